// The catalogue of texts. A text is a string with `{places}`, or one for each plural form of `count`. Only the
// language in use is loaded.
import type english from '../texts/en'

/** Names a text. */
export type Key = keyof typeof english
/** What stands in the places of a text. */
export type Values = Record<string, string | number>
type Text = string | Partial<Record<Intl.LDMLPluralRule, string>>
type Catalogue = Record<string, Text>

/** Languages that there are, and how they call themselves. */
export const LANGUAGES = { en: 'English', de: 'Deutsch', ar: 'العربية' } as const
export type Language = keyof typeof LANGUAGES

const LOADERS: Record<Language, () => Promise<{ default: Catalogue }>> = {
  en: () => import('../texts/en'),
  de: () => import('../texts/de'),
  ar: () => import('../texts/ar'),
}
const RIGHT_TO_LEFT: readonly Language[] = ['ar']

let catalogue: Catalogue = {}
let rules = new Intl.PluralRules('en')
let numbers = new Intl.NumberFormat('en')
let locale = 'en'

export function isLanguage(value: string): value is Language {
  return Object.hasOwn(LANGUAGES, value)
}

/** The first of the user's languages that there is. */
export function preferredLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const language = tag.split('-')[0]?.toLowerCase() ?? ''
    if (isLanguage(language)) return language
  }
  return 'en'
}

/** Loads a language; everything said from then on is said in it. */
export async function speak(language: Language): Promise<void> {
  const { default: texts } = await LOADERS[language]()
  // The user's own region where it fits: `de-AT` writes times otherwise than `de`.
  const own = typeof navigator === 'undefined' ? [] : navigator.languages
  locale = own.find((tag) => tag.split('-')[0] === language) ?? language
  use(texts, locale)
  if (typeof document !== 'undefined') {
    document.documentElement.lang = language
    document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? 'rtl' : 'ltr'
  }
}

/** Sets what is said; `speak` loads it. */
export function use(texts: Catalogue, tag: string): void {
  catalogue = texts
  locale = tag
  rules = new Intl.PluralRules(tag)
  numbers = new Intl.NumberFormat(tag)
}

/** For `Intl`. */
export function currentLocale(): string {
  return locale
}

/** A text of the catalogue. A number named `count` chooses the plural form. */
export function t(key: Key, values: Values = {}): string {
  const text = catalogue[key]
  if (text === undefined) return key
  if (typeof text === 'string') return fill(text, values)
  const count = typeof values['count'] === 'number' ? values['count'] : 0
  return fill(text[rules.select(count)] ?? text.other ?? key, values)
}

/** A number as it is written here. */
export function number(value: number): string {
  return numbers.format(value)
}

function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = values[name]
    if (value === undefined) return place
    return typeof value === 'number' ? number(value) : value
  })
}

/** Names of the places of a text, in any of its forms. */
export function places(text: Text): Set<string> {
  const forms = typeof text === 'string' ? [text] : Object.values(text)
  return new Set(forms.flatMap((form) => [...form.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? '')))
}
