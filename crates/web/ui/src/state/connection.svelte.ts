// Who this device is, and whether the server can be reached.
import type { Connection, Status } from '../core/api'
import { core, on, soon } from './core.svelte'

class Account {
  status = $state.raw<Status>()
  connection = $state.raw<Connection>({ state: 'offline' })
  /** This device was removed from the account. */
  removed = $state(false)
  /** Why the database cannot be written; empty: it can. */
  storageTrouble = $state('')

  get own(): string {
    return this.status?.account ?? ''
  }

  async load(): Promise<void> {
    const status = await core.query({ type: 'status' })
    this.status = status
    this.connection = status.connection
  }

  /** Follows what happens, and goes online if there is an account. */
  async begin(): Promise<void> {
    const refresh = soon(() => this.load())
    on('connection', (event) => (this.connection = event.connection))
    on('registered', refresh)
    on('overrun', refresh)
    on('removed', () => (this.removed = true))
    on('storageFailed', (event) => (this.storageTrouble = event.detail || 'storage'))
    on('storageRecovered', () => (this.storageTrouble = ''))
    await this.load()
    if (this.own !== '') await core.send({ type: 'goOnline' })
  }
}

export const account = new Account()
