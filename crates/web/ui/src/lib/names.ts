// People as the user calls them.
import type { Chat, Person, Quote } from '../core/api'
import { t } from './text'

/** By the user's own name for them, or by their username; otherwise by what they call themselves, which nobody has
 * checked, or by the first digits of their account. */
export function personName(person: Person): string {
  if (person.name) return line(person.name)
  if (person.username) return person.username
  if (person.profileName) return `~${line(person.profileName)}`
  return unknownName(person.account)
}

/** What they call themselves, where they are called otherwise. */
export function sidename(person: Person): string {
  const own = person.profileName ? `~${line(person.profileName)}` : ''
  return own === personName(person) ? '' : own
}

export function unknownName(account: string): string {
  return t('someoneUnknown', { digits: account.slice(0, 8) })
}

export function chatName(chat: Chat): string {
  return chat.with.kind === 'group' ? line(chat.with.name) || t('group') : personName(chat.with)
}

export function isGroup(conversation: string): boolean {
  return conversation.startsWith('g:')
}

/** Whose message a quote is of. */
export function quotedAccount(quote: Quote): string {
  return quote.message.split('-', 1)[0] ?? ''
}

/** Up to two letters that stand for a name. */
export function initials(name: string): string {
  const words = name.replace(/^~/, '').split(/[\s._-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word))
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]]
  return letters.map((word) => /[\p{L}\p{N}]/u.exec(word ?? '')?.[0] ?? '').join('').toLocaleUpperCase()
}

/** One of the eight colours of people, always the same for an account. */
export function hue(account: string): number {
  let sum = 0
  for (let at = 0; at < account.length; at += 1) sum = (sum * 31 + account.charCodeAt(at)) % 9973
  return sum % 8
}

function line(text: string): string {
  return text.replace(/\s+/gu, ' ').trim()
}
