// What people show for a day.
import type { StatusUpdates } from '../core/api'
import { core, on, soon } from './core.svelte'

class Updates {
  /** The own ones first, then what was not seen, the newest first; muted ones last. */
  list = $state.raw<StatusUpdates[]>([])
  loaded = $state(false)
  #refresh = soon(() => this.load())

  /** Follows what happens. */
  begin(): void {
    this.#refresh()
    for (const type of ['messageChanged', 'messageFilled', 'deleted', 'stateChanged', 'overrun', 'archive'] as const) on(type, this.#refresh)
    on('message', ({ message }) => {
      if (message.with.startsWith('s:')) this.#refresh()
    })
  }

  async load(): Promise<void> {
    this.list = (await core.query({ type: 'statusUpdates' })).updates
    this.loaded = true
  }

  refresh(): void {
    this.#refresh()
  }

  get own(): StatusUpdates | undefined {
    return this.list.find((one) => one.own)
  }

  /** There is something that was not seen, by somebody who is not muted. */
  get fresh(): boolean {
    return this.list.some((one) => !one.own && one.unseen > 0 && one.mutedUntilMs < Date.now())
  }
}

export const updates = new Updates()
