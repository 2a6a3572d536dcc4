// Who is who: names of accounts, and pictures of people and groups.
import { SvelteMap } from 'svelte/reactivity'

import type { Contact, Group, Person, Profile } from '../core/api'
import { isGroup, personName, unknownName } from '../lib/names'
import { t } from '../lib/text'
import { account } from './connection.svelte'
import { core, on, soon } from './core.svelte'

/** Pictures and names that others have changed are here after so long. */
const AGAIN_MS = 3_000

class People {
  /** Everybody who is known or has written, newest conversation first. */
  contacts = $state.raw<Contact[]>([])
  #known = new SvelteMap<string, Person>()
  #profiles = new SvelteMap<string, Profile | null>()
  #groups = new SvelteMap<string, Group | null>()
  #asked = new Set<string>()
  #later: number | undefined

  /** Follows what happens. */
  begin(): void {
    const refresh = soon(() => this.load())
    refresh()
    on('stateChanged', () => this.#forget(refresh))
    on('registered', refresh)
    on('overrun', () => this.#forget(refresh))
    on('group', (event) => this.#ask(event.group, true))
    on('message', ({ message }) => {
      if (message.direction === 'incoming' && !this.#known.has(message.from)) refresh()
    })
  }

  async load(): Promise<void> {
    const { contacts } = await core.query({ type: 'contacts' })
    this.contacts = contacts
    for (const contact of contacts) this.#known.set(contact.account, contact)
  }

  #forget(refresh: () => void): void {
    refresh()
    // Something was set, by whomever: what people tell of themselves is asked for again, but not with every word of
    // a draft.
    this.#later ??= window.setTimeout(() => {
      this.#later = undefined
      for (const name of this.#asked) this.#ask(name, true)
    }, AGAIN_MS)
  }

  get own(): string {
    return account.own
  }

  person(of: string): Person | undefined {
    const known = this.#known.get(of)
    if (!known && of.length === 32) this.#ask(of)
    return known
  }

  /** How the user calls an account; `you` for their own. */
  name(of: string): string {
    if (of === account.own) return t('you')
    const known = this.person(of)
    return known ? personName(known) : unknownName(of)
  }

  /** What somebody tells of themself; `undefined`: not known yet. */
  profile(of: string): Profile | null | undefined {
    this.#ask(of)
    return this.#profiles.get(of)
  }

  group(of: string): Group | null | undefined {
    this.#ask(of)
    return this.#groups.get(of)
  }

  /** The picture of a person or a group, Base64; empty: none. */
  picture(of: string): string {
    return (isGroup(of) ? this.group(of)?.picture : this.profile(of)?.picture) ?? ''
  }

  #ask(of: string, again = false): void {
    if (of === '' || (this.#asked.has(of) && !again)) return
    this.#asked.add(of)
    // Asked while something is drawn: what changes, changes afterwards.
    queueMicrotask(() => void this.#learn(of))
  }

  async #learn(of: string): Promise<void> {
    try {
      if (isGroup(of)) {
        const { group } = await core.query({ type: 'group', name: of })
        this.#groups.set(of, group)
        for (const member of group?.members ?? []) this.#known.set(member.account, member)
        return
      }
      const own = of === account.own
      const { profile } = await core.query(own ? { type: 'profile' } : { type: 'profile', account: of })
      this.#profiles.set(of, profile)
      if (own || this.#known.has(of)) return
      const { contact } = await core.query({ type: 'contact', name: of })
      if (contact) this.#known.set(of, contact)
    } catch {
      this.#asked.delete(of)
    }
  }
}

export const people = new People()
