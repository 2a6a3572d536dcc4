import { expect, test } from 'vitest'

import type { Message } from '../../core/api'
import { rowsOf } from './rows'

const MINUTE_MS = 60_000
const NOON = new Date(2026, 10, 23, 12).getTime()

function message(order: number, from: string, at: number): Message {
  return {
    id: String(order), with: 'b', from, device: 1, order, direction: 'incoming', sentAtMs: at, storedAtMs: at,
    body: { kind: 'text', text: 'x' }, delivery: 'delivered',
  } as Message
}

test('what one person says at a time belongs together', () => {
  const messages = [
    message(1, 'a', NOON), message(2, 'a', NOON + MINUTE_MS), message(3, 'b', NOON + MINUTE_MS),
    message(4, 'b', NOON + 9 * MINUTE_MS), message(5, 'b', NOON + 24 * 60 * MINUTE_MS),
  ]
  const rows = rowsOf(messages, null)
  expect(rows.map(({ first, last }) => [first, last])).toEqual([[true, false], [false, true], [true, true], [true, true], [true, true]])
  expect(rows.map(({ newDay }) => newDay)).toEqual([true, false, false, false, true])
})

test('the unread ones begin anew', () => {
  const rows = rowsOf([message(1, 'a', NOON), message(2, 'a', NOON)], { order: 2, count: 7 })
  expect(rows.map(({ unread, first, last }) => [unread, first, last])).toEqual([[0, true, true], [7, true, true]])
})
