import { describe, expect, test } from 'vitest'

import { LANGUAGES, type Language } from '../../lib/text'
import { EMOJI_GROUPS, EmojiWords, emojiOf, usedNow, withTone } from './emoji'

const all = EMOJI_GROUPS.flatMap((group) => group.emoji)

test('every emoji is one character, once', () => {
  expect(all.length).toBeGreaterThan(1_800)
  expect(new Set(all.map((emoji) => emoji.text)).size).toBe(all.length)
  const segmenter = new Intl.Segmenter()
  for (const { text } of all) expect([...segmenter.segment(text)], text).toHaveLength(1)
})

test('tones are put where they belong, and found again', () => {
  const wave = emojiOf('👋')
  expect(wave && withTone(wave, 3)).toBe('👋🏽')
  expect(wave && withTone(wave, 0)).toBe('👋')
  expect(emojiOf('👋🏽')).toBe(wave)
  const pair = emojiOf('🧑‍🤝‍🧑')
  expect(pair && withTone(pair, 1)).toBe('🧑🏻‍🤝‍🧑🏻')
  const cat = emojiOf('🐈')
  expect(cat && withTone(cat, 3)).toBe('🐈')
})

describe('words', () => {
  test.each(Object.keys(LANGUAGES) as Language[])('every emoji has a name in %s', async (language) => {
    const words = await EmojiWords.load(language)
    for (const emoji of all) expect(words.name(emoji), emoji.text).not.toBe('')
  })

  test.each([
    ['en', 'red heart', '❤️'],
    ['en', 'pizz', '🍕'],
    ['de', 'rotes herz', '❤️'],
    ['de', 'fröh', '😀'],
    ['ar', 'قلب أحمر', '❤️'],
  ] as const)('%s: %s', async (language, typed, wanted) => {
    const found = (await EmojiWords.load(language)).find(typed)
    expect(found.map((emoji) => emoji.text)).toContain(wanted)
    expect(found.length).toBeLessThan(300)
  })

  test('what is called so comes first', async () => {
    expect((await EmojiWords.load('en')).find('heart red')[0]?.text).toBe('❤️')
  })
})

test('what was used last stands first, once', () => {
  expect(usedNow(['a', 'b'], 'b')).toEqual(['b', 'a'])
  expect(usedNow(['a', 'b'], 'c', 2)).toEqual(['c', 'a'])
})
