// Messages as the list draws them: where a day begins, where the unread ones begin, what belongs together.
import type { Message } from '../../core/api'
import { dayNumber } from '../../lib/times'
import { isNotice } from '../../lib/words'
import type { UnreadMark } from '../../state/conversation.svelte'

/** Messages of one person belong together if no more time lies between them. */
const TOGETHER_MS = 5 * 60_000

export interface Row {
  message: Message
  /** A day begins with it. */
  newDay: boolean
  /** So many unread messages begin with it; 0: they do not. */
  unread: number
  /** The first and the last of those that belong together. */
  first: boolean
  last: boolean
}

export function rowsOf(messages: readonly Message[], mark: UnreadMark | null): Row[] {
  const rows: Row[] = []
  for (const [at, message] of messages.entries()) {
    const before = messages[at - 1]
    const newDay = !before || dayNumber(before.storedAtMs) !== dayNumber(message.storedAtMs)
    const unread = mark?.order === message.order ? mark.count : 0
    const first = newDay || unread > 0 || !before || !together(before, message)
    const previous = rows.at(-1)
    if (previous) previous.last = first
    rows.push({ message, newDay, unread, first, last: true })
  }
  return rows
}

function together(a: Message, b: Message): boolean {
  if (isNotice(a) || isNotice(b)) return isNotice(a) && isNotice(b)
  return a.from === b.from && Math.abs(b.sentAtMs - a.sentAtMs) < TOGETHER_MS && !b.missingBefore
}
