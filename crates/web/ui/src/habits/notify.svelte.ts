// Notifications of the desktop, the sound of a message, and the number on the program's icon. Of several tabs one
// notifies; and none does while the user is in any of them.
import type { Message } from '../core/api'
import { chatName, isGroup } from '../lib/names'
import { t } from '../lib/text'
import { briefBody, isNotice } from '../lib/words'
import { attention } from '../state/activity.svelte'
import { chats, isMuted } from '../state/chats.svelte'
import { on } from '../state/core.svelte'
import { people } from '../state/people.svelte'
import { here } from '../state/place.svelte'
import { settings } from '../state/settings.svelte'
import { chime } from './chime'

/** Held by the tab that notifies. */
const NOTIFIER = 'waxwing-notifier'
/** Held by each tab in which the user is. */
const ATTENDED = 'waxwing-attended'
/** Messages that waited for this device to come back are no news one by one. */
const FRESH_MS = 5 * 60_000

let notifier = false
const shown = new Map<string, Notification>()

async function attended(): Promise<boolean> {
  if (attention.focused) return true
  const { held } = await navigator.locks.query()
  return held?.some((lock) => lock.name === ATTENDED) ?? false
}

async function came(message: Message): Promise<void> {
  if (!notifier || message.direction !== 'incoming' || isNotice(message) || message.with.startsWith('s:')) return
  if (message.body.kind === 'waiting' || Date.now() - message.sentAtMs > FRESH_MS) return
  const chat = chats.get(message.with)
  if (!chat || chat.request || isMuted(chat, Date.now())) return
  if (await attended()) return
  if (settings.get('web.sounds') === 'on') chime()
  if (settings.get('web.notify') !== 'on' || !('Notification' in window) || Notification.permission !== 'granted') return
  await show(message, chatName(chat))
}

async function show(message: Message, name: string): Promise<void> {
  const conversation = message.with
  const words = settings.get('web.notifyText')
  const text = briefBody(message.body, people).text
  const said = isGroup(conversation) ? t('notifySaid', { name: people.name(message.from), text }) : text
  const [title, body] = words === 'nothing' ? ['Waxwing', t('notifyNew')] : [name, words === 'name' ? t('notifyNew') : said]
  const picture = words === 'nothing' ? '' : people.picture(conversation)
  const options: NotificationOptions = {
    body,
    // What comes later of the same chat takes its place.
    tag: conversation,
    silent: true,
    icon: picture ? `data:image/jpeg;base64,${picture}` : '/icon.svg',
    lang: settings.language,
    data: { conversation },
  }
  try {
    const notification = new Notification(title, options)
    notification.onclick = () => {
      focus()
      here.open(conversation)
      notification.close()
    }
    notification.onclose = () => {
      if (shown.get(conversation) === notification) shown.delete(conversation)
    }
    shown.set(conversation, notification)
  } catch {
    // Browsers of phones show them by the service worker only.
    const worker = await navigator.serviceWorker?.getRegistration()
    await worker?.showNotification(title, options)
  }
}

export function beginNotifying(): void {
  void navigator.locks.request(NOTIFIER, () => {
    notifier = true
    // Held as long as the tab lives.
    return new Promise(() => {})
  })
  on('message', ({ message }) => {
    // Once the chat list knows of it: whether it is muted, or a request.
    setTimeout(() => void came(message), 200)
  })
  $effect.root(() => {
    $effect(() => {
      if (!attention.focused) return
      const leave = new AbortController()
      const left = new Promise<void>((resolve) => leave.signal.addEventListener('abort', () => resolve()))
      // Given up before it was had: that is an error to the browser, and none here.
      void navigator.locks.request(ATTENDED, { mode: 'shared', signal: leave.signal }, () => left).catch(() => {})
      return () => leave.abort()
    })
    $effect(() => {
      // Read here or on another device.
      const unread = new Set(chats.list.filter((chat) => chat.unread > 0).map((chat) => chat.conversation))
      for (const [conversation, notification] of shown) if (!unread.has(conversation)) notification.close()
    })
    $effect(() => {
      const count = chats.unread
      if (!('setAppBadge' in navigator)) return
      void (count > 0 ? navigator.setAppBadge(count) : navigator.clearAppBadge()).catch(() => {})
    })
  })
}
