// Reading address books that the user chooses: vCards (RFC 6350 and its forerunners, as far as names, e-mail addresses
// and telephone numbers go) and tables with a heading. What is not understood is passed over.
import type { BookEntry } from '../../core/api'

/** Entries of one book that are looked at. */
const MAX_ENTRIES = 50_000
/** What one look-up takes. */
const MAX_ADDRESSES = 2_000

/** `country`: of numbers without one; empty: they are passed over. */
export function readBook(text: string, country: string): BookEntry[] {
  const content = text.replace(/^\uFEFF/, '')
  const isCards = content.slice(0, 4_096).split(/\r?\n/).some((line) => line.trim().toUpperCase() === 'BEGIN:VCARD')
  const entries = isCards ? cards(content, country) : table(content, country)
  return entries.filter((entry) => entry.addresses.length > 0).slice(0, MAX_ENTRIES)
}

/** As many look-ups as it takes. */
export function inParts(entries: readonly BookEntry[]): BookEntry[][] {
  const parts: BookEntry[][] = []
  let room = 0
  for (const entry of entries) {
    for (let at = 0; at < entry.addresses.length; at += MAX_ADDRESSES) {
      const addresses = entry.addresses.slice(at, at + MAX_ADDRESSES)
      if (addresses.length > room) {
        parts.push([])
        room = MAX_ADDRESSES
      }
      parts.at(-1)?.push({ name: entry.name, addresses })
      room -= addresses.length
    }
  }
  return parts
}

/** A telephone number with its country code, if it can be told; otherwise nothing. */
function phone(value: string, country: string): string[] {
  const text = value.trim()
  const digits = text.replace(/\D/g, '')
  if (digits.length < 5 || /[^\d\s+\-./()\u00A0\u2011]/.test(text)) return []
  if (text.startsWith('+')) return [`+${digits}`]
  if (digits.startsWith('00')) return [`+${digits.slice(2)}`]
  return country === '' ? [] : [`+${country}${digits.replace(/^0/, '')}`]
}

// ---------------------------------------------------------------- vCards

function cards(text: string, country: string): BookEntry[] {
  const entries: BookEntry[] = []
  let [full, parts, organisation] = ['', '', '']
  let addresses: string[] = []
  for (const line of unfolded(text)) {
    const found = /^(?:[^:;"]*\.)?([^:;"]+)((?:;(?:"[^"]*"|[^":])*)?):(.*)$/s.exec(line)
    if (!found) continue
    const [name, parameters, raw] = [found[1]?.trim().toUpperCase(), found[2]?.toUpperCase() ?? '', found[3] ?? '']
    const value = parameters.includes('QUOTED-PRINTABLE') ? quotedPrintable(raw) : raw
    if (name === 'BEGIN') [full, parts, organisation, addresses] = ['', '', '', []]
    else if (name === 'FN') full = unescaped(value)
    else if (name === 'N') parts = value.split(';').slice(0, 2).map(unescaped).toReversed().join(' ')
    else if (name === 'ORG') organisation = unescaped(value).replaceAll(';', ' ')
    else if (name === 'EMAIL') addresses.push(unescaped(value).replace(/^mailto:/i, '').trim())
    else if (name === 'TEL') addresses.push(...phone(unescaped(value).replace(/^tel:/i, '').split(';')[0] ?? '', country))
    else if (name === 'END') {
      const called = [full, parts, organisation].map((one) => one.trim()).find((one) => one !== '') ?? ''
      entries.push({ name: called, addresses: addresses.filter((address) => address !== '') })
      addresses = []
    }
  }
  return entries
}

/** Lines as they were before they were folded: one that begins with a blank belongs to the one before, and so does one
 * after a soft line break. */
function unfolded(text: string): string[] {
  const lines: string[] = []
  let soft = false
  for (const line of text.split(/\r?\n/)) {
    const last = lines.at(-1)
    if (last !== undefined && soft) lines[lines.length - 1] = last.slice(0, -1) + line
    else if (last !== undefined && /^[ \t]/.test(line)) lines[lines.length - 1] = last + line.slice(1)
    else lines.push(line)
    soft = line.endsWith('=') && /QUOTED-PRINTABLE/i.test(lines.at(-1) ?? '')
  }
  return lines
}

function unescaped(value: string): string {
  return value.replace(/\\(.)/g, (_, character: string) => (/n/i.test(character) ? ' ' : character))
}

function quotedPrintable(value: string): string {
  const bytes = new TextEncoder().encode(value)
  const plain: number[] = []
  for (let at = 0; at < bytes.length; at += 1) {
    const hex = bytes[at] === 0x3d ? String.fromCharCode(...bytes.slice(at + 1, at + 3)) : ''
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      plain.push(Number.parseInt(hex, 16))
      at += 2
    } else plain.push(bytes[at] ?? 0)
  }
  return new TextDecoder().decode(new Uint8Array(plain))
}

// ---------------------------------------------------------------- tables

type Column = 'name' | 'given' | 'family' | 'phone' | 'other'

function table(text: string, country: string): BookEntry[] {
  const heading = text.split('\n', 1)[0] ?? ''
  const separator = [',', ';', '\t'].toSorted((a, b) => heading.split(b).length - heading.split(a).length)[0] ?? ','
  const [first, ...rest] = cells(text, separator)
  const columns = (first ?? []).map(column)
  return rest.map((row) => entry(row, columns, country))
}

/** Rows of cells; a cell in quotes may hold anything. */
function cells(text: string, separator: string): string[][] {
  const rows: string[][] = [[]]
  let [cell, quoted] = ['', false]
  const end = () => {
    rows.at(-1)?.push(cell)
    cell = ''
  }
  for (let at = 0; at < text.length && rows.length <= MAX_ENTRIES; at += 1) {
    const character = text[at] ?? ''
    if (quoted) {
      if (character !== '"') cell += character
      else if (text[at + 1] === '"') {
        cell += '"'
        at += 1
      } else quoted = false
    } else if (character === '"' && cell === '') quoted = true
    else if (character === separator) end()
    else if (character === '\n') {
      end()
      rows.push([])
    } else if (character !== '\r') cell += character
  }
  end()
  return rows
}

function column(heading: string): Column {
  const text = heading.trim().toLowerCase()
  const has = (...words: string[]) => words.some((word) => text.includes(word))
  if (has('phone', 'tel', 'mobil', 'fax', 'handy')) return 'phone'
  if (has('yomi', 'phonetic', 'nick', 'user')) return 'other'
  if (has('first name', 'given name', 'vorname', 'first_name')) return 'given'
  if (has('last name', 'family name', 'nachname', 'surname', 'last_name')) return 'family'
  return ['name', 'full name', 'display name', 'anzeigename', 'contact'].includes(text) ? 'name' : 'other'
}

function entry(row: readonly string[], columns: readonly Column[], country: string): BookEntry {
  const names: Partial<Record<Column, string>> = {}
  const addresses: string[] = []
  for (const [at, cell] of row.entries()) {
    const kind = columns[at] ?? 'other'
    // Several values in one cell, as one well-known address book writes them.
    for (const value of cell.split(':::').map((one) => one.trim()).filter((one) => one !== '')) {
      if (kind === 'phone') addresses.push(...phone(value, country))
      else if (kind !== 'other') names[kind] ??= value
      else if (value.includes('@')) addresses.push(value)
      else if (value.startsWith('+')) addresses.push(...phone(value, ''))
    }
  }
  return { name: names.name ?? [names.given, names.family].filter((one) => one !== undefined).join(' '), addresses }
}
