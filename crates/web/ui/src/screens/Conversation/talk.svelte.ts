// What the user is about to do in a conversation: answer, say otherwise, choose messages, send files.
import { SvelteSet } from 'svelte/reactivity'

import type { Attachment, AttachmentKind, Message } from '../../core/api'
import { core, reason } from '../../state/core.svelte'

/** Files of one message, at most. */
export const MOST_FILES = 32

export interface Pending {
  id: number
  name: string
  bytes: number
  image: string
  /** Ready when it is there. */
  attachment?: Attachment
  wrong?: string
}

export class Talk {
  readonly with: string
  replyTo = $state.raw<Message | null>(null)
  editing = $state.raw<Message | null>(null)
  /** Messages that are chosen, by id; `null`: nothing is being chosen. */
  chosen = $state.raw<SvelteSet<string> | null>(null)
  pending = $state.raw<readonly Pending[]>([])
  /** As the files are sent: photos large, or all as documents. */
  hd = $state(false)
  #next = 1

  constructor(conversation: string) {
    this.with = conversation
  }

  reply(message: Message): void {
    this.editing = null
    this.replyTo = message
  }

  edit(message: Message): void {
    this.replyTo = null
    this.editing = message
  }

  choose(message?: Message): void {
    this.chosen = new SvelteSet(message ? [message.id] : [])
  }

  toggle(message: Message): void {
    if (!this.chosen) return
    if (!this.chosen.delete(message.id)) this.chosen.add(message.id)
  }

  /** Makes files ready, each by itself. */
  attach(list: Iterable<File>, kind?: AttachmentKind): void {
    for (const file of [...list].slice(0, MOST_FILES - this.pending.length)) void this.#attach(file, kind)
  }

  async #attach(file: File, kind: AttachmentKind | undefined): Promise<void> {
    const id = this.#next
    this.#next += 1
    const image = file.type.startsWith('image/') && kind !== 'document' ? URL.createObjectURL(file) : ''
    this.pending = [...this.pending, { id, name: file.name, bytes: file.size, image }]
    try {
      const options = kind === undefined ? { name: file.name, hd: this.hd } : { name: file.name, kind, hd: this.hd }
      this.#set(id, { attachment: await core.attach(file, options) })
    } catch (thrown) {
      this.#set(id, { wrong: reason(thrown) })
    }
  }

  #set(id: number, more: Partial<Pending>): void {
    this.pending = this.pending.map((pending) => (pending.id === id ? { ...pending, ...more } : pending))
  }

  remove(id: number): void {
    for (const pending of this.pending) if (pending.id === id && pending.image) URL.revokeObjectURL(pending.image)
    this.pending = this.pending.filter((pending) => pending.id !== id)
  }

  /** What is ready is taken, to be sent. */
  take(): Attachment[] {
    const taken = this.pending.flatMap((pending) => pending.attachment ?? [])
    for (const { id } of this.pending) this.remove(id)
    return taken
  }

  get preparing(): boolean {
    return this.pending.some((pending) => !pending.attachment && pending.wrong === undefined)
  }
}
