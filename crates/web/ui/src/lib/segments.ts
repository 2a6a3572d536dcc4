// A text in pieces of one look each. Spans count bytes of UTF-8; strings here count units of UTF-16.
import type { Span } from '../core/api'

export interface Segment {
  text: string
  bold?: true
  italic?: true
  strike?: true
  mono?: true
  /** Hidden; the number of its span, so that what hides together is shown together. */
  spoiler?: number
  /** The account of whom it names. */
  mention?: string
  /** Where it leads: `http:`, `https:`, or an invitation to a group. */
  href?: string
}

const LINK = /(?:https?:\/\/|waxwing-group:)[^\s<>"'`]+/giu

/** Where each byte of the text stands in the string; `undefined`: within a character. */
function unitsByByte(text: string): Map<number, number> {
  const units = new Map<number, number>([[0, 0]])
  let [bytes, at] = [0, 0]
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
    at += character.length
    units.set(bytes, at)
  }
  return units
}

/** Bytes of a string in UTF-8. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}

export interface Link {
  start: number
  end: number
  href: string
}

/** Addresses in a text, without the punctuation that ends a sentence. */
export function links(text: string): Link[] {
  const found: Link[] = []
  for (const match of text.matchAll(LINK)) {
    let href = match[0].replace(/[.,;:!?…]+$/u, '')
    // A bracket belongs to the address only if it was opened there.
    while (/[)\]}]$/.test(href) && !opens(href)) href = href.slice(0, -1).replace(/[.,;:!?…]+$/u, '')
    if (!URL.canParse(href)) continue
    found.push({ start: match.index, end: match.index + href.length, href })
  }
  return found
}

function opens(href: string): boolean {
  const close = href.at(-1) ?? ''
  const open = { ')': '(', ']': '[', '}': '{' }[close] ?? ''
  return href.split(open).length >= href.split(close).length
}

/** The pieces, in order; together they are the text. What does not fit the text is passed over. */
export function segments(text: string, spans: readonly Span[] = []): Segment[] {
  const units = spans.length > 0 ? unitsByByte(text) : undefined
  const placed = spans.flatMap((span, index) => {
    const [start, end] = [units?.get(span.start), units?.get(span.start + span.bytes)]
    return start === undefined || end === undefined || start >= end ? [] : [{ span, start, end, index }]
  })
  const places = links(text)
  const cuts = new Set([0, text.length])
  for (const { start, end } of [...placed, ...places]) cuts.add(start).add(end)
  const sorted = [...cuts].toSorted((a, b) => a - b)
  const pieces: Segment[] = []
  for (const [at, from] of sorted.entries()) {
    const to = sorted[at + 1]
    if (to === undefined) break
    const piece: Segment = { text: text.slice(from, to) }
    for (const { span, start, end, index } of placed) {
      if (start <= from && end >= to) dress(piece, span, index)
    }
    const link = places.find(({ start, end }) => start <= from && end >= to)
    if (link && !piece.mono && piece.mention === undefined) piece.href = link.href
    pieces.push(piece)
  }
  return pieces
}

function dress(piece: Segment, span: Span, index: number): void {
  switch (span.style) {
    case 'bold':
      piece.bold = true
      break
    case 'italic':
      piece.italic = true
      break
    case 'strike':
      piece.strike = true
      break
    case 'monospace':
      piece.mono = true
      break
    case 'spoiler':
      piece.spoiler ??= index
      break
    case 'mention':
      piece.mention = span.account
  }
}

/** The text on one line; what is hidden in it stays hidden. */
export function oneLine(text: string, spans: readonly Span[] = []): string {
  const open = segments(text, spans).map((piece) => (piece.spoiler === undefined ? piece.text : piece.text.replace(/\S/gu, '▒')))
  return open.join('').replace(/\s+/gu, ' ').trim()
}

const EMOJI_ONLY = /^(?:\p{RGI_Emoji}|\s)+$/v

/** How many emoji the text is made of, if it is nothing else and there are few; otherwise 0. */
export function fewEmoji(text: string): number {
  if (text.length > 64 || !EMOJI_ONLY.test(text)) return 0
  const count = [...new Intl.Segmenter().segment(text.replace(/\s+/gu, ''))].length
  return count <= 3 ? count : 0
}
