// The account's devices, and histories on their way between them.
import { SvelteMap } from 'svelte/reactivity'

import type { Device, Event } from '../core/api'
import { core, on, soon } from './core.svelte'

export type Archive = Extract<Event, { type: 'archive' }>

class Devices {
  list = $state.raw<Device[]>([])
  loaded = $state(false)
  #archives = new SvelteMap<number, Archive>()
  #begun = false

  /** Follows what happens; what is called again goes on. */
  begin(): void {
    if (this.#begun) return
    this.#begun = true
    const refresh = soon(() => this.load())
    refresh()
    on('devices', (event) => this.#take(event.devices))
    on('stateChanged', refresh)
    on('overrun', refresh)
    on('archive', (event) => {
      if (event.done) this.#archives.delete(event.device)
      else this.#archives.set(event.device, event)
    })
  }

  async load(): Promise<void> {
    this.#take((await core.query({ type: 'devices' })).devices)
  }

  #take(devices: Device[]): void {
    this.list = devices
    this.loaded = true
  }

  /** This device is the first one, which decides about the others. */
  get first(): boolean {
    return this.list.some((device) => device.this && device.device === 1)
  }

  /** A history on its way to or from this device. */
  archive(device: number): Archive | undefined {
    return this.#archives.get(device)
  }

  /** Any of them. */
  get anyArchive(): Archive | undefined {
    return this.#archives.values().next().value
  }
}

export const devices = new Devices()
