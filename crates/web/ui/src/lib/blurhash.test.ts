import { expect, test } from 'vitest'

import { decode } from './blurhash'

test('one component is one colour', () => {
  // 1 × 1, average #ff8000 (0xff8000 = 16744448 in base 83, four digits).
  let value = 0xff8000
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~'
  let text = ''
  for (let i = 0; i < 4; i += 1) {
    text = digits.charAt(value % 83) + text
    value = Math.floor(value / 83)
  }
  expect([...(decode(`00${text}`, 2, 1) ?? [])]).toEqual([255, 128, 0, 255, 255, 128, 0, 255])
})

test('a known picture keeps its colours', () => {
  // The example of the reference implementation: brighter above, dark below.
  const pixels = decode('LEHV6nWB2yk8pyo0adR*.7kCMdnj', 8, 8)
  expect(pixels?.length).toBe(256)
  const row = (y: number) => Array.from({ length: 8 }, (_, x) => pixels?.[(y * 8 + x) * 4 + 2] ?? 0)
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0)
  expect(sum(row(0))).toBeGreaterThan(sum(row(7)))
})

test.each(['', 'L', 'LEHV6n', 'LEHV6nWB2yk8pyo0adR*.7kCMdn', 'LEHV6nWB2yk8pyo0adR*.7kCMd"j', 'é'.repeat(28)])(
  '%j is none',
  (hash) => expect(decode(hash, 4, 4)).toBeUndefined(),
)
