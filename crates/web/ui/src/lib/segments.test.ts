import { describe, expect, test } from 'vitest'

import type { Span } from '../core/api'
import { fewEmoji, links, oneLine, segments } from './segments'

describe('segments', () => {
  test('bytes of UTF-8 become places of the string', () => {
    const spans: Span[] = [{ start: 5, bytes: 4, style: 'bold' }]
    expect(segments('ü → 😀.', [{ start: 7, bytes: 4, style: 'bold' }])).toEqual([
      { text: 'ü → ' },
      { text: '😀', bold: true },
      { text: '.' },
    ])
    // In the middle of a character: passed over.
    expect(segments('ü → 😀.', spans)).toEqual([{ text: 'ü → 😀.' }])
  })

  test('what lies over each other is cut, and nothing is lost', () => {
    const spans: Span[] = [
      { start: 0, bytes: 4, style: 'bold' },
      { start: 2, bytes: 4, style: 'spoiler' },
      { start: 90, bytes: 4, style: 'italic' },
    ]
    expect(segments('abcdef', spans)).toEqual([
      { text: 'ab', bold: true },
      { text: 'cd', bold: true, spoiler: 1 },
      { text: 'ef', spoiler: 1 },
    ])
    expect(segments('', spans)).toEqual([])
    expect(oneLine('ab\n cdef', spans)).toBe('ab ▒▒ef')
  })

  test('addresses end where the sentence goes on', () => {
    const found = (text: string) => links(text).map((link) => link.href)
    expect(found('see https://a.example/b_(c), or (http://x.example/y).')).toEqual([
      'https://a.example/b_(c)',
      'http://x.example/y',
    ])
    expect(found('javascript:alert(1) data:text/html,x https://')).toEqual([])
    expect(found('waxwing-group:abc!')).toEqual(['waxwing-group:abc'])
  })
})

test('few emoji are counted', () => {
  expect(fewEmoji('👩‍👩‍👧 🇩🇪')).toBe(2)
  expect(fewEmoji('👍👍👍👍')).toBe(0)
  expect(fewEmoji('1')).toBe(0)
  expect(fewEmoji('a👍')).toBe(0)
})
