// Formatting as people type it: `*bold*`, `_italic_`, `~struck~`, `` `monospace` ``, `||spoiler||`; the same rules
// as the terminal program has.
import type { Span } from '../core/api'
import { byteLength, segments } from './segments'

type Plain = 'spoiler' | 'bold' | 'italic' | 'strike' | 'monospace'

/** Markers and what they stand for; the longer ones first. */
const MARKS: readonly (readonly [string, Plain])[] = [
  ['||', 'spoiler'],
  ['*', 'bold'],
  ['_', 'italic'],
  ['~', 'strike'],
  ['`', 'monospace'],
]

export const MARK_OF = Object.fromEntries(MARKS.map(([mark, style]) => [style, mark])) as Record<Plain, string>

export interface Typed {
  text: string
  spans: Span[]
}

/** Somebody who may be named, and how. */
export interface Named {
  account: string
  name: string
}

interface Open {
  mark: string
  style: Plain
  start: number
}

/** Takes the markers out of what was typed, and finds `@name` of those who are named. A marker counts where a word
 * begins, and its partner where one ends; any other character stays what it is. */
export function parse(typed: string, named: readonly Named[] = []): Typed {
  let text = ''
  const closed: { start: number; end: number; style: Plain }[] = []
  const open: Open[] = []
  let rest = typed
  while (rest !== '') {
    const inCode = open.at(-1)?.mark === '`'
    const found = MARKS.find(([mark]) => rest.startsWith(mark))
    if (!found || (inCode && found[0] !== '`')) {
      const next = String.fromCodePoint(rest.codePointAt(0) ?? 0)
      text += next
      rest = rest.slice(next.length)
      continue
    }
    const [mark, style] = found
    const after = rest.slice(mark.length)
    const at = open.findLastIndex((opened) => opened.mark === mark)
    const start = open[at]?.start
    if (start !== undefined && ends(text, after) && text.length > start) {
      open.length = at
      closed.push({ start, end: text.length, style })
    } else if (begins(text, after) && closes(after, mark)) {
      open.push({ mark, style, start: text.length })
    } else {
      text += mark
    }
    rest = after
  }
  // What was opened and not closed was no marker after all.
  if (open.length > 0) return { text: typed, spans: mentions(typed, named) }
  // The outer one first, which was closed last.
  closed.reverse()
  const sorted = closed.toSorted((a, b) => a.start - b.start || b.end - a.end)
  const spans = sorted.map(({ start, end, style }): Span => ({ ...place(text, start, end), style }))
  return { text, spans: [...spans, ...mentions(text, named)] }
}

function place(text: string, start: number, end: number): { start: number; bytes: number } {
  return { start: byteLength(text.slice(0, start)), bytes: byteLength(text.slice(start, end)) }
}

function mentions(text: string, named: readonly Named[]): Span[] {
  const longestFirst = named.toSorted((a, b) => b.name.length - a.name.length)
  const spans: Span[] = []
  let at = text.indexOf('@')
  while (at >= 0) {
    const apart = !isWord(text.slice(0, at), -1)
    const who = apart && longestFirst.find(({ name }) => text.startsWith(name, at + 1) && !isWord(text.slice(at + 1 + name.length), 0))
    const end = who ? at + 1 + who.name.length : at + 1
    if (who) spans.push({ ...place(text, at, end), style: 'mention', account: who.account })
    at = text.indexOf('@', end)
  }
  return spans
}

function isWord(text: string, side: 0 | -1): boolean {
  return (side === 0 ? /^[\p{L}\p{N}]/u : /[\p{L}\p{N}]$/u).test(text)
}

function begins(before: string, after: string): boolean {
  return !isWord(before, -1) && /^\S/u.test(after)
}

function ends(before: string, after: string): boolean {
  return !isWord(after, 0) && /\S$/u.test(before)
}

/** Whether a partner comes, on the same line. */
function closes(after: string, mark: string): boolean {
  const line = after.split('\n', 1)[0] ?? ''
  let at = line.indexOf(mark)
  while (at >= 0) {
    const inside = line.slice(0, at)
    if ([...inside].some((character) => !mark.includes(character)) && ends(inside, line.slice(at + mark.length))) return true
    at = line.indexOf(mark, at + mark.length)
  }
  return false
}

/** Puts the markers back, to be edited. */
export function marked(text: string, spans: readonly Span[]): string {
  const styled = spans.filter((span) => span.style !== 'mention')
  if (styled.length === 0) return text
  let said = ''
  let before: string[] = []
  for (const piece of segments(text, styled)) {
    const now = [
      ...(piece.spoiler === undefined ? [] : ['||']),
      ...(piece.bold ? ['*'] : []),
      ...(piece.italic ? ['_'] : []),
      ...(piece.strike ? ['~'] : []),
      ...(piece.mono ? ['`'] : []),
    ]
    let same = 0
    while (same < now.length && now[same] === before[same]) same += 1
    said += before.slice(same).toReversed().join('') + now.slice(same).join('') + piece.text
    before = now
  }
  return said + before.toReversed().join('')
}
