// The pictures and films of a conversation, in order, around the one that was opened. More come as one goes on.
import type { Attachment, Message } from '../../core/api'
import { core } from '../../state/core.svelte'

export interface Seen {
  key: string
  message: Message
  file: Attachment
  index: number
}

/** Messages asked for at a time. */
const PAGE = 200
/** Pages between the newest message and the one that was opened that are asked for, at most. */
const MOST_PAGES = 20
/** So near an end the next page is asked for. */
const NEAR = 3

export class Album {
  items = $state.raw<readonly Seen[]>([])
  at = $state(0)
  #older = true
  #loading = false
  #ended = false

  get now(): Seen | undefined {
    return this.items[this.at]
  }

  end(): void {
    this.#ended = true
  }

  /** Whether it is there. */
  async begin(id: string, index: number): Promise<boolean> {
    const { message } = await core.query({ type: 'message', id })
    if (!message) return false
    const own = seenIn([message])
    this.#set(own, `${id}/${index}`)
    void this.#around(message).catch(() => {})
    return this.items.length > 0
  }

  step(by: number): void {
    this.at = Math.max(0, Math.min(this.at + by, this.items.length - 1))
    if (this.at < NEAR) void this.#loadOlder().catch(() => {})
  }

  async #around(message: Message): Promise<void> {
    const before = await page(message.with, message.order)
    this.#add(before.list, [])
    this.#older = before.more
    // Newer ones are told from the newest on.
    const newer: Seen[] = []
    let from: number | null = null
    for (let round = 0; round < MOST_PAGES && !this.#ended; round += 1) {
      const { list, more, oldest } = await page(message.with, from)
      newer.unshift(...list.filter((seen) => seen.message.order > message.order))
      if (!more || oldest <= message.order) return this.#add([], newer)
      from = oldest
    }
  }

  async #loadOlder(): Promise<void> {
    const first = this.items[0]
    if (!this.#older || this.#loading || !first) return
    this.#loading = true
    try {
      const { list, more } = await page(first.message.with, first.message.order)
      this.#older = more
      this.#add(list, [])
    } finally {
      this.#loading = false
    }
  }

  #add(before: readonly Seen[], after: readonly Seen[]): void {
    const key = this.now?.key ?? ''
    this.#set([...before, ...this.items, ...after], key)
  }

  #set(items: readonly Seen[], key: string): void {
    const at = items.findIndex((seen) => seen.key === key)
    this.items = items
    this.at = Math.max(0, at)
  }
}

async function page(conversation: string, before: number | null): Promise<{ list: Seen[]; more: boolean; oldest: number }> {
  const { messages } = await core.query({ type: 'files', with: conversation, before, limit: PAGE })
  const oldest = messages.reduce((least, message) => Math.min(least, message.order), Infinity)
  return { list: seenIn(messages.toSorted((a, b) => a.order - b.order)), more: messages.length >= PAGE, oldest }
}

function seenIn(messages: readonly Message[]): Seen[] {
  return messages.flatMap((message) => {
    const { body } = message
    if (body.kind !== 'text' || body.once) return []
    return (body.attachments ?? []).flatMap((file, index) =>
      file.kind === 'photo' || file.kind === 'video' || file.kind === 'gif' ? [{ key: `${message.id}/${index}`, message, file, index }] : [],
    )
  })
}
