import { expect, test } from 'vitest'

import { fileName, safeName } from './fileName'

const file = (more: object) => ({ id: 'abcdef0123456789', kind: 'photo' as const, bytes: 1, ...more })

test('a name leads nowhere and keeps its end', () => {
  expect(safeName('../../etc/pass:wd')).toBe('_.._etc_pass_wd')
  expect(safeName('\u202egpj.exe')).toBe('_gpj.exe')
  expect(safeName(`${'x'.repeat(300)}.pdf`)).toMatch(/^x{116}\.pdf$/)
  expect(safeName('...')).toBe('')
})

test('what has no name is called by its kind', () => {
  expect(fileName(file({ mediaType: 'image/jpeg' }))).toBe('photo-abcdef01.jpg')
  expect(fileName(file({ mediaType: 'audio/ogg; codecs=opus', kind: 'voice' }))).toBe('voice-abcdef01.ogg')
  expect(fileName(file({ name: 'a/b.txt' }))).toBe('a_b.txt')
})
