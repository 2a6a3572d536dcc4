// What can be done by keys and from the palette. The combinations are those of WhatsApp Web and of Signal Desktop; where
// a browser keeps one for itself (Ctrl+N), the other is there.
import type { Chat } from '../core/api'
import type { Combo } from '../lib/keys'
import type { Key } from '../lib/text'
import { chats, isMuted } from '../state/chats.svelte'
import { core } from '../state/core.svelte'
import { people } from '../state/people.svelte'
import { here } from '../state/place.svelte'
import { reach, type Act } from '../state/reach.svelte'
import { settings } from '../state/settings.svelte'
import { attempt } from '../state/toasts.svelte'
import { archive, mute } from '../screens/Chats/chatMenu'

export type Area = 'program' | 'chats' | 'chat' | 'message'
/** In the order in which they are shown. */
export const AREAS: readonly Area[] = ['program', 'chats', 'chat', 'message']

export interface Doing {
  id: string
  area: Area
  label: Key
  combos: readonly Combo[]
  run: () => void
  /** Whether it makes sense now; without: always. */
  can?: () => boolean
}

/** The conversation that is open. */
function open(): Chat | undefined {
  return chats.get(here.place.chat)
}

/** Opens the chat so many places below this one. */
function walk(step: number, unreadOnly = false): void {
  const list = chats.shown
  const at = list.findIndex((chat) => chat.conversation === here.place.chat)
  const start = at < 0 && step < 0 ? list.length : at
  for (let to = start + step; to >= 0 && to < list.length; to += step) {
    const chat = list[to]
    if (chat && (!unreadOnly || chat.unread > 0)) return here.open(chat.conversation)
  }
}

function withOpen(run: (chat: Chat) => void): Pick<Doing, 'run' | 'can'> {
  return {
    can: () => open() !== undefined,
    run: () => {
      const chat = open()
      if (chat) run(chat)
    },
  }
}

function reached(act: Act): Pick<Doing, 'run' | 'can'> {
  return { can: () => reach.can(act), run: () => reach.run(act) }
}

function nth(place: number): Doing {
  const run = () => {
    const chat = chats.shown[place - 1]
    if (chat) here.open(chat.conversation)
  }
  return { id: `chat${place}`, area: 'chats', label: 'keyNth', combos: [`Alt+${place}`], run }
}

export const DOINGS: readonly Doing[] = [
  { id: 'palette', area: 'program', label: 'keyPalette', combos: ['Mod+K'], run: () => here.over('palette') },
  { id: 'help', area: 'program', label: 'shortcuts', combos: ['?', 'Mod+/'], run: () => here.over('help') },
  { id: 'search', area: 'program', label: 'search', combos: ['Mod+Alt+/', 'Mod+F'], ...reached('search') },
  { id: 'settings', area: 'program', label: 'settings', combos: ['Mod+Alt+,', 'Mod+,'], run: () => here.start('settings') },
  { id: 'profile', area: 'program', label: 'profile', combos: ['Mod+Alt+P'], run: () => here.start('profile') },
  { id: 'starred', area: 'program', label: 'starred', combos: [], run: () => here.start('starred') },
  { id: 'archived', area: 'program', label: 'archived', combos: [], run: () => here.start('archived') },
  {
    id: 'theme',
    area: 'program',
    label: 'keyTheme',
    combos: [],
    run: () => void settings.set('web.theme', settings.dark ? 'light' : 'dark'),
  },
  { id: 'newChat', area: 'chats', label: 'newChat', combos: ['Mod+Alt+N'], run: () => here.start('newChat') },
  { id: 'nextChat', area: 'chats', label: 'keyNextChat', combos: ['Alt+Down', 'Mod+Alt+Down'], run: () => walk(1) },
  { id: 'previousChat', area: 'chats', label: 'keyPreviousChat', combos: ['Alt+Up', 'Mod+Alt+Up'], run: () => walk(-1) },
  { id: 'nextUnread', area: 'chats', label: 'keyNextUnread', combos: ['Alt+Shift+Down'], run: () => walk(1, true) },
  { id: 'previousUnread', area: 'chats', label: 'keyPreviousUnread', combos: ['Alt+Shift+Up'], run: () => walk(-1, true) },
  { id: 'noteToSelf', area: 'chats', label: 'noteToSelf', combos: [], run: () => here.open(people.own) },
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(nth),
  { id: 'compose', area: 'chat', label: 'keyCompose', combos: ['Mod+Shift+Y'], ...reached('compose') },
  { id: 'searchChat', area: 'chat', label: 'searchInChat', combos: ['Mod+Shift+F', 'Mod+Alt+Shift+F'], ...reached('searchChat') },
  { id: 'chatInfo', area: 'chat', label: 'chatInfo', combos: ['Mod+Alt+I'], ...reached('chatInfo') },
  { id: 'emoji', area: 'chat', label: 'keyEmoji', combos: ['Mod+J', 'Mod+Alt+E'], ...reached('emoji') },
  { id: 'attach', area: 'chat', label: 'keyAttach', combos: ['Mod+U'], ...reached('attach') },
  { id: 'record', area: 'chat', label: 'keyRecord', combos: ['Mod+Shift+V', 'Mod+Alt+Shift+R'], ...reached('record') },
  {
    id: 'markRead',
    area: 'chat',
    label: 'markRead',
    combos: ['Mod+Alt+Shift+U'],
    ...withOpen((chat) => {
      if (!chat.lastMessage) return
      const read = core.send({ type: 'markRead', with: chat.conversation, upTo: chat.lastMessage.order })
      void attempt(read.then(() => chats.refresh()))
    }),
  },
  {
    id: 'mute',
    area: 'chat',
    label: 'keyMute',
    combos: ['Mod+Alt+Shift+M'],
    ...withOpen((chat) => {
      void (isMuted(chat, Date.now()) ? chats.set(chat.conversation, { what: 'mutedUntilMs', value: 0 }) : mute(chat))
    }),
  },
  {
    id: 'pin',
    area: 'chat',
    label: 'keyPin',
    combos: ['Mod+Alt+Shift+P'],
    ...withOpen((chat) => void chats.set(chat.conversation, { what: 'pinned', value: !chat.pinned })),
  },
  { id: 'archive', area: 'chat', label: 'keyArchive', combos: ['Mod+Alt+Shift+E', 'Mod+Shift+A'], ...withOpen((chat) => void archive(chat)) },
  {
    id: 'export',
    area: 'chat',
    label: 'exportChat',
    combos: [],
    ...withOpen((chat) => here.over('exportChat', { conversation: chat.conversation })),
  },
  { id: 'closeChat', area: 'chat', label: 'closeChat', combos: [], can: () => here.place.chat !== '', run: () => here.close() },
  { id: 'reply', area: 'message', label: 'reply', combos: ['Mod+Shift+R', 'Alt+R'], ...reached('reply') },
  { id: 'react', area: 'message', label: 'react', combos: ['Mod+Shift+E'], ...reached('react') },
  { id: 'forward', area: 'message', label: 'forward', combos: ['Mod+Shift+S', 'Mod+Alt+D'], ...reached('forward') },
  { id: 'copyMessage', area: 'message', label: 'keyCopy', combos: ['Mod+Alt+C'], ...reached('copyMessage') },
  { id: 'editMessage', area: 'message', label: 'keyEdit', combos: ['Mod+Up'], ...reached('editMessage') },
  { id: 'starMessage', area: 'message', label: 'keyStar', combos: ['Mod+Alt+S'], ...reached('starMessage') },
  { id: 'messageInfo', area: 'message', label: 'messageInfo', combos: [], ...reached('messageInfo') },
  { id: 'deleteMessage', area: 'message', label: 'keyDelete', combos: ['Mod+Shift+D', 'Mod+Alt+Backspace'], ...reached('deleteMessage') },
]

/** Shown as one: the nine chats that are opened by their place. */
export function isNth(doing: Doing): boolean {
  return doing.label === 'keyNth'
}
