// What shortcuts do about messages: about the one that has the focus, otherwise about the newest with which it can be done.
import type { Message } from '../../core/api'
import { isNotice } from '../../lib/words'
import type { Conversation } from '../../state/conversation.svelte'
import { here } from '../../state/place.svelte'
import type { Act } from '../../state/reach.svelte'
import { stars } from '../../state/stars.svelte'
import { canEdit, copy, forward, isActable, remove } from './acts'
import { moreEmoji } from './emoji'
import type { Talk } from './talk.svelte'

type Acts = Partial<Record<Act, () => void>>

export function reachMessages(store: Conversation, talk: Talk): Acts {
  const picked = (fits: (message: Message) => boolean): Message | undefined => {
    const order = Number(document.activeElement?.closest<HTMLElement>('[data-order]')?.dataset['order'])
    const focused = store.messages.find((message) => message.order === order)
    if (focused) return fits(focused) ? focused : undefined
    return store.messages.findLast(fits)
  }
  const about = (fits: (message: Message) => boolean, run: (message: Message) => void) => () => {
    const message = picked(fits)
    if (message) run(message)
  }
  const open = (message: Message) => message.body.kind === 'text' && !message.body.once
  return {
    reply: about(isActable, (message) => talk.reply(message)),
    react: about(isActable, (message) => moreEmoji(message)?.()),
    forward: about((message) => isActable(message) && open(message), (message) => forward([message])),
    copyMessage: about(open, (message) => copy([message])),
    editMessage: about((message) => isActable(message) && canEdit(message), (message) => talk.edit(message)),
    starMessage: about(open, (message) => void stars.set([message.id], !stars.ids.has(message.id))),
    messageInfo: about((message) => !isNotice(message), (message) => here.end('messageInfo', { id: message.id })),
    deleteMessage: about((message) => !isNotice(message), (message) => void remove([message])),
  }
}
