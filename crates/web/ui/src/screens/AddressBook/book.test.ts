import { expect, test } from 'vitest'

import { inParts, readBook } from './book'

const CARDS =
  'BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Anna Example\r\nitem1.EMAIL;TYPE=home:Anna@Example.org\r\n' +
  'TEL;VALUE=uri;TYPE="voice,home":tel:+49-170-1234567;ext=5\r\nEND:VCARD\r\n' +
  'BEGIN:VCARD\nVERSION:3.0\nN:Beispiel;Ben;;;\nFN:\nTEL;TYPE=CELL:0170 / 123 45 68\n' +
  'NOTE:mail me: not@this.one\nEMAIL:ben@exam\n ple.org\nEND:VCARD\n' +
  'BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen=\n=20K\n' +
  'TEL;CELL:001 415 555 0100\nEND:VCARD\n' +
  'BEGIN:VCARD\nORG:Example\\, Inc.;Sales\nEMAIL:mailto:office@example.org\nEND:VCARD\n'

test('cards of all versions', () => {
  expect(readBook(CARDS, '49').map((entry) => [entry.name, entry.addresses])).toEqual([
    ['Anna Example', ['Anna@Example.org', '+491701234567']],
    ['Ben Beispiel', ['+491701234568', 'ben@example.org']],
    ['Jürgen K', ['+14155550100']],
    ['Example, Inc. Sales', ['office@example.org']],
  ])
  // Without a country code a national number is nobody's.
  expect(readBook(CARDS, '')[1]?.addresses).toEqual(['ben@example.org'])
})

test('tables of several kinds', () => {
  const google =
    'First Name,Middle Name,Last Name,E-mail 1 - Value,Phone 1 - Value,Website\n' +
    'Anna,,Example,anna@example.org ::: anna@example.com,+49 170 1234567,https://example.org\n' +
    '"Ben, the",,"Be""st",,0170 123,\n'
  expect(readBook(google, '49').map((entry) => [entry.name, entry.addresses])).toEqual([
    ['Anna Example', ['anna@example.org', 'anna@example.com', '+491701234567']],
    ['Ben, the Be"st', ['+49170123']],
  ])
  const plain = '\uFEFFName;Mail;Mobil;Geburtstag\nAnna;anna@example.org;0170 1234567;01.02.1990\n'
  expect(readBook(plain, '')).toEqual([{ name: 'Anna', addresses: ['anna@example.org'] }])
})

test('whatever there is, something comes out', () => {
  const card = 'BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:=C3=\nTEL:ü\nEMAIL:\nX\n:\n;:\nEND:VCARD\n'
  for (const text of ['', '\n', '='.repeat(100), card, ',;\t\n"']) expect(readBook(text, '49')).toEqual([])
  for (let at = 0; at < CARDS.length; at += 7) expect(Array.isArray(readBook(CARDS.slice(0, at), '49'))).toBe(true)
})

test('no look-up holds more addresses than it may', () => {
  const entries = Array.from({ length: 900 }, (_, at) => ({ name: `${at}`, addresses: ['a', 'b', 'c', 'd', 'e'] }))
  const parts = inParts([...entries, { name: 'many', addresses: Array.from({ length: 4_500 }, String) }])
  const sizes = parts.map((part) => part.reduce((sum, entry) => sum + entry.addresses.length, 0))
  expect(Math.max(...sizes)).toBeLessThanOrEqual(2_000)
  expect(sizes.reduce((sum, one) => sum + one, 0)).toBe(9_000)
})
