// The part of one conversation that is on the screen and around it. Pages are asked for by `order`; what happens is
// put in its place; what lies far away is let go, so that a conversation may be as long as it wants.
import type { Event, Message } from '../core/api'
import { core, soon } from './core.svelte'

/** Messages of a page. */
const PAGE = 60
/** Held at most; what lies farthest from where the user scrolls to goes. */
const MOST = 600

/** Where the unread ones began when the conversation was opened, and how many there were. */
export interface UnreadMark {
  order: number
  count: number
}

export class Conversation {
  readonly with: string
  /** Oldest first. */
  messages = $state.raw<Message[]>([])
  /** There are older ones than these. */
  older = $state(false)
  /** There are newer ones than these. */
  newer = $state(false)
  loaded = $state(false)
  mark = $state.raw<UnreadMark | null>(null)
  /** Came while what is seen does not reach the newest. */
  newBelow = $state(0)
  /** The last change put messages in front or took some away there. */
  shift = $state(false)
  /** The message that was looked up, by order; it shines for a moment. */
  found = $state(0)
  #loading = false
  #stopped = false
  #stop: () => void

  constructor(conversation: string) {
    this.with = conversation
    this.#stop = core.on((event) => this.#hear(event))
  }

  stop(): void {
    this.#stopped = true
    this.#stop()
  }

  /** Shows the newest page; with the first unread message in it, if there are not too many. */
  async begin(unread: number): Promise<void> {
    const messages = await this.#page({ limit: Math.min(PAGE + unread, MOST - PAGE) })
    if (this.#stopped) return
    this.#set(messages, { older: messages.length >= PAGE, newer: false })
    const first = messages.find(isUnread)
    this.mark = first && unread > 0 ? { order: first.order, count: unread } : null
    this.found = 0
  }

  /** Shows the part around a message. */
  async beginAt(order: number): Promise<void> {
    const [before, after] = await Promise.all([
      this.#page({ before: order + 1, limit: PAGE }),
      this.#page({ after: order, limit: PAGE }),
    ])
    if (this.#stopped) return
    this.#set([...before, ...after], { older: before.length >= PAGE, newer: after.length >= PAGE })
    this.mark = null
    this.found = order
  }

  #set(messages: Message[], more: { older: boolean; newer: boolean }): void {
    this.shift = false
    this.messages = messages
    this.older = more.older
    this.newer = more.newer
    this.newBelow = 0
    this.loaded = true
  }

  /** Puts the page before these in front. */
  async loadOlder(): Promise<void> {
    const first = this.messages[0]
    if (!this.older || !first || this.#loading) return
    await this.#alone(async () => {
      const page = await this.#page({ before: first.order, limit: PAGE })
      if (this.messages[0]?.order !== first.order) return
      this.shift = true
      this.messages = [...page, ...this.messages]
      this.older = page.length >= PAGE
    })
  }

  /** Puts the page after these behind. */
  async loadNewer(): Promise<void> {
    const last = this.messages.at(-1)
    if (!this.newer || !last || this.#loading) return
    await this.#alone(async () => {
      const page = await this.#page({ after: last.order, limit: PAGE })
      if (this.messages.at(-1)?.order !== last.order) return
      this.shift = false
      this.messages = [...this.messages, ...page]
      this.newer = page.length >= PAGE
      if (!this.newer) this.newBelow = 0
    })
  }

  /** Lets go of what lies far from what is seen; `first` and `last`: places of what is. */
  trim(first: number, last: number): void {
    const excess = this.messages.length - MOST
    if (excess < PAGE || this.#loading) return
    if (first > this.messages.length - last) {
      const gone = Math.min(excess, first - PAGE)
      if (gone < PAGE) return
      this.shift = true
      this.messages = this.messages.slice(gone)
      this.older = true
    } else {
      const gone = Math.min(excess, this.messages.length - last - PAGE)
      if (gone < PAGE) return
      this.shift = false
      this.messages = this.messages.slice(0, -gone)
      this.newer = true
    }
  }

  index(order: number): number {
    return this.messages.findIndex((message) => message.order === order)
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    this.#loading = true
    try {
      await work()
    } finally {
      this.#loading = false
    }
  }

  async #page(of: { before?: number; after?: number; limit: number }): Promise<Message[]> {
    const query = { type: 'history', with: this.with, before: of.before ?? null, limit: of.limit } as const
    const { messages } = await core.query(of.after === undefined ? query : { ...query, after: of.after })
    return messages
  }

  #hear(event: Event): void {
    switch (event.type) {
      case 'message':
        if (event.message.with === this.with) this.#came(event.message)
        break
      case 'messageFilled':
      case 'messageChanged':
        if (event.message.with === this.with) this.#replace(event.message)
        break
      case 'delivery':
        if (event.with === this.with) this.#update(event.message, (known) => ({ ...known, delivery: event.delivery }))
        break
      case 'deleted':
        this.#drop(new Set(event.messages))
        break
      case 'stateChanged':
      case 'archive':
      case 'overrun':
        this.#again()
    }
  }

  #came(message: Message): void {
    if (!this.loaded) return
    const own = message.direction === 'outgoing'
    if (this.newer) {
      // It comes with the pages between.
      if (!own) this.newBelow += 1
      return
    }
    const last = this.messages.at(-1)
    if (last && message.order <= last.order) {
      this.#replace(message)
      return
    }
    // Whoever writes has read.
    if (own) this.mark = null
    this.shift = false
    this.messages = [...this.messages, message]
  }

  /** Puts it in its place, where it is known or not. */
  #replace(message: Message): void {
    const at = this.messages.findIndex((known) => known.order >= message.order)
    if (at < 0) return
    const known = this.messages[at]
    if (known?.order === message.order) {
      this.messages = this.messages.with(at, message)
    } else if (at > 0) {
      this.shift = false
      this.messages = this.messages.toSpliced(at, 0, message)
    }
  }

  #update(id: string, change: (message: Message) => Message): void {
    const at = this.messages.findLastIndex((message) => message.id === id)
    const known = this.messages[at]
    if (known) this.messages = this.messages.with(at, change(known))
  }

  #drop(ids: ReadonlySet<string>): void {
    if (!this.messages.some((message) => ids.has(message.id))) return
    this.shift = false
    this.messages = this.messages.filter((message) => !ids.has(message.id))
  }

  /** Asks for these anew: something was set, or a history came from another device. */
  #again = soon(async () => {
    const [first, last] = [this.messages[0], this.messages.at(-1)]
    if (this.#stopped || !this.loaded || this.#loading) return
    const limit = Math.max(this.messages.length, PAGE) + PAGE
    const before = this.newer && last ? last.order + 1 : undefined
    const page = await this.#page(before === undefined ? { limit } : { before, limit })
    const from = this.older && first ? first.order : 0
    const messages = page.filter((message) => message.order >= from)
    if (this.#stopped || same(messages, this.messages)) return
    this.shift = false
    this.messages = messages
    this.older ||= page.length > messages.length || page.length >= limit
  })
}

function same(a: readonly Message[], b: readonly Message[]): boolean {
  return a.length === b.length && JSON.stringify(a) === JSON.stringify(b)
}

/** Can be read, and was not. */
export function isUnread(message: Message): boolean {
  return message.direction === 'incoming' && message.delivery === 'delivered' && message.body.kind !== 'waiting'
}
