// What can be done about a conversation from within.
import type { Chat } from '../../core/api'
import { isGroup } from '../../lib/names'
import { t } from '../../lib/text'
import { span } from '../../lib/times'
import { core } from '../../state/core.svelte'
import { choose, type MenuItem } from '../../state/menus.svelte'
import { here } from '../../state/place.svelte'
import { attempt } from '../../state/toasts.svelte'
import { chatMenu } from '../Chats/chatMenu'

const DAY_S = 86_400
const LIFETIMES_S = [DAY_S, 7 * DAY_S, 90 * DAY_S]

export function openInfo(chat: Chat): void {
  const { conversation } = chat
  if (isGroup(conversation)) here.tryEnd('groupInfo', { group: conversation })
  else here.tryEnd('contactInfo', { account: conversation })
}

export function talkMenu(chat: Chat): (MenuItem | false)[] {
  return [
    { icon: 'info', label: t('chatInfo'), run: () => openInfo(chat) },
    { icon: 'timer', label: t('disappearing'), run: () => void setLifetime(chat) },
    { icon: 'download', label: t('exportChat'), run: () => here.over('exportChat', { conversation: chat.conversation }) },
    ...chatMenu(chat),
    { icon: 'close', label: t('closeChat'), run: () => here.close() },
  ]
}

/** How long what is written from now on stays. */
export async function setLifetime(chat: Chat): Promise<void> {
  const choices = [
    ...LIFETIMES_S.map((seconds) => ({ value: String(seconds), label: span(seconds) })),
    { value: '0', label: t('lifetimeOff') },
  ]
  const seconds = await choose({ title: t('disappearing'), text: t('lifetimeText'), yes: '', choices })
  if (seconds === null || Number(seconds) === (chat.lifetimeS ?? 0)) return
  await attempt(core.send({ type: 'act', with: chat.conversation, deed: { what: 'lifetime', seconds: Number(seconds) } }))
}
