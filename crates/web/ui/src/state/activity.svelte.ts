// Whether the user is at this tab, said to the core; and whose presence is watched.
import { SvelteMap } from 'svelte/reactivity'

import type { Activity, Presence } from '../core/api'
import { core, on } from './core.svelte'

/** Without a key, a touch or a move of the mouse for so long, the user is not there. */
const IDLE_MS = 150_000
const SIGNS = ['keydown', 'pointerdown', 'pointermove', 'wheel', 'touchstart'] as const

class Attention {
  /** The tab is seen and has the keyboard. */
  focused = $state(document.visibilityState === 'visible' && document.hasFocus())
  #presences = new SvelteMap<string, Presence>()
  #said: Activity = 'away'
  #idle: number | undefined
  #active = true
  #watched = ''

  begin(): void {
    const look = () => {
      this.focused = document.visibilityState === 'visible' && document.hasFocus()
      this.#say()
    }
    addEventListener('focus', look)
    addEventListener('blur', look)
    document.addEventListener('visibilitychange', look)
    for (const sign of SIGNS) addEventListener(sign, () => this.#alive(), { passive: true, capture: true })
    on('overrun', () => {
      this.#said = 'away'
      this.#say()
      this.watch(this.#watched)
    })
    on('presence', (event) => this.#presences.set(event.account, event.presence))
    on('connection', ({ connection }) => {
      if (connection.state !== 'online') this.#presences.clear()
    })
    this.#alive()
    look()
  }

  /** Shows from now on whether this account is there, and no other one. */
  watch(account: string): void {
    this.#watched = account
    this.#presences.clear()
    const see = (accounts: string[]) => void core.send({ type: 'watchPresence', accounts }).catch(() => {})
    // What another tab has been told already is told again only to whoever begins to look.
    see([])
    if (account !== '') see([account])
  }

  presence(of: string): Presence {
    return this.#presences.get(of) ?? { state: 'unknown' }
  }

  #alive(): void {
    clearTimeout(this.#idle)
    this.#idle = window.setTimeout(() => {
      this.#active = false
      this.#say()
    }, IDLE_MS)
    if (this.#active) return
    this.#active = true
    this.#say()
  }

  #say(): void {
    const visible = document.visibilityState === 'visible'
    const activity = !visible ? 'away' : this.focused && this.#active ? 'active' : 'listening'
    if (activity === this.#said) return
    this.#said = activity
    void core.send({ type: 'setActivity', activity }).catch(() => (this.#said = 'away'))
  }
}

export const attention = new Attention()
