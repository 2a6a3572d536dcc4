import { describe, expect, test } from 'vitest'

import { LANGUAGES, places, preferredLanguage, t, use, type Key } from './text'

type Area = Record<string, string | Record<string, string>>
const FILES = import.meta.glob<Area>('../../messages/*/*.json', { eager: true, import: 'default' })
const LISTS = import.meta.glob<string>('../texts/*.ts', { eager: true, import: 'default', query: '?raw' })

function areas(language: string): string[] {
  const folder = `../../messages/${language}/`
  return Object.keys(FILES).filter((path) => path.startsWith(folder)).map((path) => path.slice(folder.length)).toSorted()
}

function area(language: string, name: string): Area {
  return FILES[`../../messages/${language}/${name}`] ?? {}
}

describe('the catalogue', () => {
  const others = Object.keys(LANGUAGES).filter((language) => language !== 'en')

  test.each(others)('%s has every text, with the same places and all its plural forms', (language) => {
    expect(areas(language)).toEqual(areas('en'))
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories.toSorted()
    for (const name of areas('en')) {
      const [english, own] = [area('en', name), area(language, name)]
      expect(Object.keys(own), name).toEqual(Object.keys(english))
      for (const [key, text] of Object.entries(own)) {
        const original = english[key] ?? ''
        expect(typeof text, key).toBe(typeof original)
        // A form for one or for two may leave the number out.
        const missing = [...places(original)].filter((place) => !places(text).has(place))
        expect(missing, key).toEqual([])
        expect([...places(text)].filter((place) => !places(original).has(place)), key).toEqual([])
        if (typeof text !== 'string') expect(Object.keys(text).toSorted(), key).toEqual(forms)
      }
    }
  })

  test.each(areas('en'))('%s is named in the lists of texts, and holds no key of another area', (name) => {
    for (const language of Object.keys(LANGUAGES)) {
      expect(LISTS[`../texts/${language}.ts`]).toContain(`messages/${language}/${name}`)
    }
    const elsewhere = areas('en').filter((other) => other !== name)
    const keys = new Set(elsewhere.flatMap((other) => Object.keys(area('en', other))))
    expect(Object.keys(area('en', name)).filter((key) => keys.has(key))).toEqual([])
  })
})

describe('a text', () => {
  const texts = {
    plain: 'Hi {name}, {name}',
    many: { zero: 'none', one: 'one', two: 'two', few: '{count} few', many: '{count} many', other: '{count} other' },
  }
  const say = (key: string, values: Record<string, string | number>) => t(key as Key, values)

  test('is filled, and what is filled in is not filled again', () => {
    use(texts, 'en')
    expect(say('plain', { name: '{name}' })).toBe('Hi {name}, {name}')
    expect(say('plain', {})).toBe('Hi {name}, {name}')
    expect(say('many', { count: 1 })).toBe('one')
    expect(say('many', { count: 1234 })).toBe('1,234 other')
  })

  test('follows the plural rules of its language', () => {
    use(texts, 'ar')
    expect([0, 1, 2].map((count) => say('many', { count }))).toEqual(['none', 'one', 'two'])
    expect(say('many', { count: 5 })).toMatch(/few$/)
    expect(say('many', { count: 50 })).toMatch(/many$/)
  })
})

test('the first language that there is is spoken', () => {
  expect(preferredLanguage(['fr-FR', 'de-AT', 'en'])).toBe('de')
  expect(preferredLanguage(['xx'])).toBe('en')
})
