// Where the user is. Three panes: screens that lie over the chat list (`start`), a conversation, screens that tell
// more (`end`); and one screen over all of it (`over`). On a phone one is seen, the last that was opened. Each step is
// an entry of the browser's history, so that "back" goes back, and a reload stays where it was.
import { named, type ScreenName } from '../screens'

export interface Screen {
  name: ScreenName
  /** What it is given; kept in the browser's history, so plain data. */
  props: Record<string, unknown>
}

export interface Place {
  start: Screen[]
  /** The conversation that is open. */
  chat: string
  /** The message to go to, by its `order`; 0: where the user was, or where the unread ones begin. */
  at: number
  end: Screen[]
  over: Screen | null
  /** What is seen on a phone. */
  front: 'start' | 'chat' | 'end'
}

/** Screens that stay beside a conversation that was opened from them. */
const LISTS: ReadonlySet<string> = new Set(['archived', 'requests', 'starred'])
/** Panes that screens lie in. */
export type Pane = 'start' | 'end'

const HOME: Place = { start: [], chat: '', at: 0, end: [], over: null, front: 'start' }

class Here {
  place = $state.raw<Place>(HOME)
  /** Steps that "back" can take within the program. */
  #depth = 0
  /** Rises with each call to go to a message, also to the same one again. */
  jump = $state(0)

  begin(): void {
    const kept: unknown = history.state
    if (isKept(kept)) {
      this.place = { ...kept.place, over: null, at: 0 }
      this.#depth = kept.depth
    } else {
      history.replaceState({ place: HOME, depth: 0 }, '')
    }
    addEventListener('popstate', (event) => {
      const state: unknown = event.state
      this.place = isKept(state) ? state.place : HOME
      this.#depth = isKept(state) ? state.depth : 0
    })
  }

  /** A conversation is in front. */
  get #chats(): boolean {
    return this.place.front === 'chat' && this.place.chat !== ''
  }

  #go(next: Partial<Place>, replace = false): void {
    this.place = { ...this.place, ...next }
    if (!replace) this.#depth += 1
    const state = { place: $state.snapshot(this.place), depth: this.#depth }
    if (replace) history.replaceState(state, '')
    else history.pushState(state, '')
  }

  /** Opens a conversation, at a message if one is named. From one conversation to another there is no way back by
   * "back", as little as there is in other messengers. */
  open(conversation: string, at = 0): void {
    if (at > 0) this.jump += 1
    const same = this.place.chat === conversation
    if (same && at === 0 && this.place.front === 'chat' && !this.place.over) return
    const kept = LISTS.has(this.place.start.at(-1)?.name ?? '')
    const replaces = this.place.over !== null || this.#chats || (this.place.start.length > 0 && !kept)
    const start = kept ? this.place.start : []
    const end = same ? this.place.end : []
    this.#go({ start, chat: conversation, at, end: at > 0 ? [] : end, over: null, front: 'chat' }, replaces)
  }

  /** Closes the conversation. */
  close(): void {
    if (this.place.front === 'chat' && this.#depth > 0) this.back()
    else this.#go({ chat: '', end: [], front: 'start' }, true)
  }

  /** A screen over the chat list. */
  start(name: ScreenName, props: Record<string, unknown> = {}): void {
    this.#go({ start: [...this.place.start, { name, props }], front: 'start' })
  }

  /** A screen beside the conversation; in place of those that are there, unless it is to lie on them. */
  end(name: ScreenName, props: Record<string, unknown> = {}, onTop = false): void {
    const below = onTop ? this.place.end : []
    this.#go({ end: [...below, { name, props }], front: 'end' }, !onTop && this.place.end.length > 0)
  }

  /** A screen over everything. */
  over(name: ScreenName, props: Record<string, unknown> = {}): void {
    this.#go({ over: { name, props } })
  }

  /** A screen that another part of the program may bring. Whether there is one. */
  tryOver(name: string, props: Record<string, unknown>): boolean {
    const screen = named(name)
    if (screen) this.over(screen, props)
    return screen !== undefined
  }

  tryEnd(name: string, props: Record<string, unknown>): boolean {
    const screen = named(name)
    if (screen) this.end(screen, props)
    return screen !== undefined
  }

  /** Takes away all that lies over the chat list. */
  home(): void {
    if (this.place.start.length > 0 || this.place.over) this.#go({ start: [], over: null, front: 'start' }, true)
  }

  /** Closes what lies on top, and the conversation when nothing else is open. Whether there was anything. */
  closeTop(): boolean {
    const { start, chat, end, over, front } = this.place
    if (over || (front === 'end' && end.length > 0) || (front === 'start' && start.length > 0)) this.back()
    else if (end.length > 0) this.#go({ end: end.slice(0, -1) }, true)
    else if (start.length > 0) this.#go({ start: start.slice(0, -1) }, true)
    else if (chat !== '') this.close()
    else return false
    return true
  }

  /** Takes away the screen that is seen in a pane: one step back, if it was opened last. */
  leave(pane: Pane | undefined): void {
    const { start, end, front } = this.place
    if (pane === 'start' && front !== 'start') this.#go({ start: start.slice(0, -1) }, true)
    else if (pane === 'end' && front !== 'end') this.#go({ end: end.slice(0, -1) }, true)
    else this.back()
  }

  /** One step back. */
  back(): void {
    if (this.#depth > 0) history.back()
    else this.place = HOME
  }
}

interface Kept {
  place: Place
  depth: number
}

function isKept(state: unknown): state is Kept {
  return typeof state === 'object' && state !== null && 'place' in state && 'depth' in state
}

export const here = new Here()
