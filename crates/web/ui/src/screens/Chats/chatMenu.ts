// What can be done about a conversation from the list.
import type { Chat } from '../../core/api'
import { chatName, isGroup } from '../../lib/names'
import { t } from '../../lib/text'
import { FOR_GOOD } from '../../lib/times'
import { chats, isMuted } from '../../state/chats.svelte'
import { core } from '../../state/core.svelte'
import { choose, confirmed, type MenuItem } from '../../state/menus.svelte'
import { here } from '../../state/place.svelte'
import { attempt, toasts } from '../../state/toasts.svelte'

const HOUR_MS = 3_600_000

export function chatMenu(chat: Chat): (MenuItem | false)[] {
  const { conversation } = chat
  const last = chat.lastMessage
  const muted = isMuted(chat, Date.now())
  return [
    chat.unread > 0 && last !== null && last !== undefined && {
      icon: 'checks',
      label: t('markRead'),
      run: () => void attempt(core.send({ type: 'markRead', with: conversation, upTo: last.order }).then(() => chats.refresh())),
    },
    {
      icon: 'pin',
      label: t(chat.pinned ? 'unpin' : 'pin'),
      run: () => void chats.set(conversation, { what: 'pinned', value: !chat.pinned }),
    },
    {
      icon: muted ? 'bell' : 'mute',
      label: t(muted ? 'unmute' : 'mute'),
      run: () => void (muted ? chats.set(conversation, { what: 'mutedUntilMs', value: 0 }) : mute(chat)),
    },
    {
      icon: 'archive',
      label: t(chat.archived ? 'unarchive' : 'archive'),
      run: () => void archive(chat),
    },
    { icon: 'trash', label: t('clearChat'), danger: true, run: () => void clear(chat) },
  ]
}

export async function mute(chat: Chat): Promise<void> {
  const span = await choose({
    title: t('muteTitle', { name: chatName(chat) }),
    text: t('muteText'),
    yes: '',
    choices: [
      { value: '8', label: t('spanHours', { count: 8 }) },
      { value: '168', label: t('spanWeeks', { count: 1 }) },
      { value: 'always', label: t('always') },
    ],
  })
  if (span === null) return
  const value = span === 'always' ? FOR_GOOD : Date.now() + Number(span) * HOUR_MS
  await chats.set(chat.conversation, { what: 'mutedUntilMs', value })
}

export async function archive(chat: Chat): Promise<void> {
  const set = (value: boolean) => chats.set(chat.conversation, { what: 'archived', value })
  if (!(await set(!chat.archived))) return
  toasts.say(t(chat.archived ? 'unarchived' : 'archivedDone'), { label: t('undo'), run: () => void set(chat.archived) })
}

export async function clear(chat: Chat): Promise<void> {
  const sure = await confirmed({
    title: t('clearTitle', { name: chatName(chat) }),
    text: t(isGroup(chat.conversation) ? 'clearGroupText' : 'clearText'),
    yes: t('clearYes'),
    danger: true,
  })
  if (sure && (await chats.set(chat.conversation, { what: 'cleared' })) && here.place.chat === chat.conversation) here.close()
}
