// The conversations, as the core lists them.
import type { Chat, ChatChange, Composing, Group } from '../core/api'
import { SvelteMap } from 'svelte/reactivity'
import { isForGood } from '../lib/times'
import { core, on, soon } from './core.svelte'
import { attempt } from './toasts.svelte'

/** Nobody types longer than this without saying so again. */
const COMPOSING_MS = 15_000

export type Composer = { account: string; what: Composing }

class Chats {
  /** Pinned ones first, then by the newest message; requests and archived ones too. */
  list = $state.raw<Chat[]>([])
  loaded = $state(false)
  /** Groups into which somebody has brought the user who may not. */
  asked = $state.raw<Group[]>([])
  #composing = new SvelteMap<string, readonly Composer[]>()
  #refresh = soon(() => this.load())
  #timers = new Map<string, number>()

  /** Follows what happens. */
  begin(): void {
    this.#refresh()
    for (const type of ['messageFilled', 'messageChanged', 'deleted', 'stateChanged', 'group', 'identityChanged', 'overrun', 'archive'] as const) {
      on(type, this.#refresh)
    }
    const asked = soon(() => this.#loadAsked())
    asked()
    on('group', asked)
    on('overrun', asked)
    on('message', ({ message }) => {
      this.#composes(message.with, message.from, 'stopped')
      this.#refresh()
    })
    on('delivery', ({ message, with: conversation, delivery }) => {
      const at = this.list.findIndex((chat) => chat.conversation === conversation)
      const [chat, last] = [this.list[at], this.list[at]?.lastMessage]
      if (chat && last?.id === message) {
        this.list = this.list.with(at, { ...chat, lastMessage: { ...last, delivery } })
      }
      // Perhaps read on another device.
      if (chat && chat.unread > 0) this.#refresh()
    })
    on('composing', (event) => this.#composes(event.with, event.account, event.what))
  }

  async load(): Promise<void> {
    const { chats } = await core.query({ type: 'chats' })
    this.list = chats
    this.loaded = true
  }

  async #loadAsked(): Promise<void> {
    const { groups } = await core.query({ type: 'groups' })
    this.asked = groups.filter((group) => group.member && group.askedBy)
  }

  /** What is read elsewhere, or set, is asked for anew. */
  refresh(): void {
    this.#refresh()
  }

  get(conversation: string): Chat | undefined {
    return this.list.find((chat) => chat.conversation === conversation)
  }

  /** Conversations that are shown where the user looks first. */
  get shown(): Chat[] {
    return this.list.filter((chat) => !chat.request && !chat.archived)
  }

  get archived(): Chat[] {
    return this.list.filter((chat) => !chat.request && chat.archived)
  }

  get requests(): Chat[] {
    const asked = new Set(this.asked.map((group) => group.group))
    return this.list.filter((chat) => chat.request && !asked.has(chat.conversation))
  }

  /** Messages that were not read, in chats that are not muted. */
  get unread(): number {
    return this.shown.reduce((sum, chat) => sum + (isMuted(chat, Date.now()) ? 0 : chat.unread), 0)
  }

  /** Who types or records there now. */
  composing(conversation: string): readonly Composer[] {
    return this.#composing.get(conversation) ?? []
  }

  #composes(conversation: string, account: string, what: Composing): void {
    const others = this.composing(conversation).filter((composer) => composer.account !== account)
    if (what === 'stopped' && others.length === this.composing(conversation).length) return
    this.#composing.set(conversation, what === 'stopped' ? others : [...others, { account, what }])
    const timer = `${conversation} ${account}`
    clearTimeout(this.#timers.get(timer))
    if (what === 'stopped') this.#timers.delete(timer)
    else this.#timers.set(timer, window.setTimeout(() => this.#composes(conversation, account, 'stopped'), COMPOSING_MS))
  }

  async set(conversation: string, change: ChatChange): Promise<boolean> {
    const done = await attempt(core.send({ type: 'setChat', conversation, change }))
    this.#refresh()
    return done
  }
}

export function isMuted(chat: Chat, nowMs: number): boolean {
  return isForGood(chat.mutedUntilMs) || chat.mutedUntilMs > nowMs
}

export const chats = new Chats()
