import { describe, expect, test } from 'vitest'

import { marked, parse } from './markup'

const looks = (typed: string) => {
  const { text, spans } = parse(typed)
  return [text, ...spans.map((span) => `${span.style} ${span.start} ${span.bytes}`)]
}

describe('what was typed', () => {
  test('loses its markers where words begin and end', () => {
    expect(looks('a *b* _c_ ~d~ `e` ||f||')).toEqual([
      'a b c d e f',
      'bold 2 1',
      'italic 4 1',
      'strike 6 1',
      'monospace 8 1',
      'spoiler 10 1',
    ])
    expect(looks('*ü _x_*')).toEqual(['ü x', 'bold 0 4', 'italic 3 1'])
    expect(looks('`*a*`')).toEqual(['*a*', 'monospace 0 3'])
  })

  test.each(['2*3*4', 'snake_case_name', '* a *', '**', '*a', '*a\nb*', '~ ~', '||||'])('%j stays as it is', (typed) => {
    expect(looks(typed)).toEqual([typed])
  })

  test('names people, the longest name first', () => {
    const named = [
      { account: 'a', name: 'Ann' },
      { account: 'b', name: 'Ann Lee' },
    ]
    expect(parse('é @Ann Lee, @Ann, @Anna, x@Ann', named).spans).toEqual([
      { start: 3, bytes: 8, style: 'mention', account: 'b' },
      { start: 13, bytes: 4, style: 'mention', account: 'a' },
    ])
  })

  test.each(['a *b _c_* d', '||x *y*||', 'plain'])('%j comes back to be edited', (typed) => {
    const { text, spans } = parse(typed)
    expect(marked(text, spans)).toBe(typed)
  })
})
