// What can be done about messages.
import type { Deed, Message } from '../../core/api'
import { isGroup } from '../../lib/names'
import { t } from '../../lib/text'
import { isNotice } from '../../lib/words'
import { core } from '../../state/core.svelte'
import { choose, confirmed, type MenuItem } from '../../state/menus.svelte'
import { people } from '../../state/people.svelte'
import { here } from '../../state/place.svelte'
import { stars } from '../../state/stars.svelte'
import { attempt, toasts } from '../../state/toasts.svelte'
import type { Talk } from './talk.svelte'

// As long as the protocol lets them (protocol.md, acts); what comes too late is refused by the core.
const EDIT_MS = 15 * 60_000
const DELETE_MS = 2 * 86_400_000
const PIN_DAYS = [1, 7, 30]
const DAY_MS = 86_400_000

export const QUICK = ['👍', '❤️', '😂', '😮', '😢', '🙏']

export function act(message: Message, deed: Deed): Promise<boolean> {
  return attempt(core.send({ type: 'act', with: message.with, message: message.id, deed }))
}

/** The own reaction; empty: none. */
export function ownReaction(message: Message): string {
  const own = message.done?.find((done) => done.what === 'react' && done.by === people.own)
  return own?.what === 'react' ? own.emoji : ''
}

/** Reacts, or takes the same reaction back. */
export function react(message: Message, emoji: string): Promise<boolean> {
  return act(message, { what: 'react', emoji: ownReaction(message) === emoji ? '' : emoji })
}

export function isPinned(message: Message): boolean {
  return message.done?.some((done) => done.what === 'pin') ?? false
}

/** Whether something can be said or done about it. */
export function isActable(message: Message): boolean {
  return message.body.kind === 'text' && message.delivery !== 'failed'
}

export function canEdit(message: Message, now = Date.now()): boolean {
  const { body } = message
  return message.direction === 'outgoing' && body.kind === 'text' && !body.once && !body.card && now - message.sentAtMs < EDIT_MS
}

function canDeleteForAll(message: Message): boolean {
  if (message.body.kind !== 'text') return false
  if (message.direction === 'outgoing') return Date.now() - message.sentAtMs < DELETE_MS
  return isGroup(message.with) && people.group(message.with)?.admin === true
}

export function copy(messages: readonly Message[]): void {
  const text = messages.flatMap(({ body }) => (body.kind === 'text' && body.text !== '' && !body.once ? [body.text] : [])).join('\n\n')
  void navigator.clipboard.writeText(text).then(() => toasts.say(t('copied')))
}

export async function remove(messages: readonly Message[]): Promise<boolean> {
  const count = messages.length
  const choices = [
    ...(messages.every(canDeleteForAll) && messages[0]?.with !== people.own ? [{ value: 'all', label: t('deleteForAll') }] : []),
    { value: 'me', label: t('deleteForMe') },
  ]
  const way = await choose({ title: t('deleteTitle', { count }), text: t('deleteText'), yes: '', danger: true, choices })
  if (way === 'me') return attempt(core.send({ type: 'deleteMessages', messages: messages.map((message) => message.id) }))
  if (way !== 'all') return false
  for (const message of messages) if (!(await act(message, { what: 'delete' }))) return false
  return true
}

export function forward(messages: readonly Message[]): void {
  here.over('forward', { messages: messages.map((message) => message.id) })
}

async function pin(message: Message): Promise<void> {
  const days = await choose({
    title: t('pinTitle'),
    text: t('pinText'),
    yes: '',
    choices: PIN_DAYS.map((count) => ({ value: String(count), label: t('spanDays', { count }) })),
  })
  if (days !== null) await act(message, { what: 'pin', untilMs: Date.now() + Number(days) * DAY_MS })
}

async function keep(message: Message, kept: boolean): Promise<void> {
  await act(message, { what: 'keep', keep: !kept })
}

async function resend(message: Message): Promise<void> {
  if (message.body.kind !== 'text') return
  const { kind: _, ...post } = message.body
  if (!(await attempt(core.send({ type: 'send', to: message.with, post })))) return
  await attempt(core.send({ type: 'deleteMessages', messages: [message.id] }))
}

/** What can be done about this one. */
export function messageMenu(message: Message, talk: Talk): (MenuItem | false)[] {
  const body = message.body
  const post = body.kind === 'text' ? body : null
  const starred = stars.ids.has(message.id)
  const actable = isActable(message)
  const open = post !== null && !post.once
  const kept = message.done?.some((done) => done.what === 'keep' && done.keep) ?? false
  return [
    message.delivery === 'failed' && open && { icon: 'send', label: t('sendAgain'), run: () => void resend(message) },
    actable && { icon: 'reply', label: t('reply'), run: () => talk.reply(message) },
    actable && open && { icon: 'forward', label: t('forward'), run: () => forward([message]) },
    open && post.text !== '' && { icon: 'copy', label: t('copy'), run: () => copy([message]) },
    actable && canEdit(message) && { icon: 'edit', label: t('edit'), run: () => talk.edit(message) },
    open && { icon: 'star', label: t(starred ? 'unstar' : 'star'), run: () => void stars.set([message.id], !starred) },
    actable && open && !isPinned(message) && { icon: 'pin', label: t('pin'), run: () => void pin(message) },
    actable && isPinned(message) && { icon: 'pin', label: t('unpin'), run: () => void act(message, { what: 'pin', untilMs: 0 }) },
    actable && (message.expiresAtMs ?? 0) > 0 && { icon: 'timer', label: t(kept ? 'unkeep' : 'keep'), run: () => void keep(message, kept) },
    !isNotice(message) && { icon: 'info', label: t('info'), run: () => here.end('messageInfo', { id: message.id }) },
    !isNotice(message) && { icon: 'check', label: t('select'), run: () => talk.choose(message) },
    { icon: 'trash', label: t('delete'), danger: true, run: () => void remove([message]) },
  ]
}

/** Whether somebody is to be blocked. */
export async function confirmBlock(name: string): Promise<boolean> {
  return confirmed({ title: t('blockTitle', { name }), text: t('blockText'), yes: t('block'), danger: true })
}
