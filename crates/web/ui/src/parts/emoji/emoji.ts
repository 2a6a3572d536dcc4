// Which emoji there are, how they are called, and how one is found.
import { plain } from '../../lib/matching'
import type { Language } from '../../lib/text'
import groups from './data/list.json'

export interface Emoji {
  /** Without a tone. */
  text: string
  /** Can have a tone of skin. */
  toned: boolean
  /** Its place in all of them. */
  at: number
}

export interface EmojiGroup {
  name: (typeof GROUP_NAMES)[number]
  emoji: Emoji[]
}

const GROUP_NAMES = ['smileys', 'people', 'nature', 'food', 'travel', 'activities', 'objects', 'symbols', 'flags'] as const
/** What takes a tone; of people who hold hands, the hands between them take none. */
const PEOPLE = /(?!🤝\u200D)(\p{Emoji_Modifier_Base})\uFE0F?/gu
export const TONES = ['', '🏻', '🏼', '🏽', '🏾', '🏿'] as const

let at = 0
export const EMOJI_GROUPS: readonly EmojiGroup[] = GROUP_NAMES.map((name) => ({
  name,
  emoji: (groups.find((group) => group.name === name)?.emoji ?? '').split(' ').map((entry) => {
    const toned = entry.endsWith('+')
    return { text: toned ? entry.slice(0, -1) : entry, toned, at: at++ }
  }),
}))
const ALL = EMOJI_GROUPS.flatMap((group) => group.emoji)
const BY_TEXT = new Map(ALL.map((emoji) => [emoji.text, emoji]))

/** What there is of these, without a tone. */
export function emojiOf(text: string): Emoji | undefined {
  return BY_TEXT.get(text) ?? BY_TEXT.get(untoned(text))
}

/** With this tone of skin (1 to 5; 0: yellow), where it can have one. */
export function withTone(emoji: Emoji, tone: number): string {
  const mark = TONES[tone] ?? ''
  return emoji.toned && mark !== '' ? emoji.text.replace(PEOPLE, `$1${mark}`) : emoji.text
}

function untoned(text: string): string {
  return text.replace(/[\u{1F3FB}-\u{1F3FF}]/gu, '')
}

const WORDS: Record<Language, () => Promise<{ default: string[] }>> = {
  en: () => import('./data/en.json'),
  de: () => import('./data/de.json'),
  ar: () => import('./data/ar.json'),
}

/** The names of emoji in one language. */
export class EmojiWords {
  #names: readonly string[]
  #words: string[][]

  constructor(lines: readonly string[]) {
    this.#names = lines.map((line) => line.split('|', 1)[0] ?? '')
    this.#words = lines.map((line) => plain(line).split(/[\s|:,“”’()-]+/u))
  }

  static async load(language: Language): Promise<EmojiWords> {
    return new EmojiWords((await WORDS[language]()).default)
  }

  name(emoji: Emoji): string {
    return this.#names[emoji.at] ?? emoji.text
  }

  /** Those of which each word that was typed begins a word; what is called so itself first. */
  find(typed: string): Emoji[] {
    const wanted = plain(typed).split(/\s+/u).filter((word) => word !== '')
    const found = ALL.filter((emoji) => {
      const words = this.#words[emoji.at] ?? []
      return emoji.text === typed.trim() || wanted.every((word) => words.some((own) => own.startsWith(word)))
    })
    const rank = (emoji: Emoji) => (wanted.every((word) => plain(this.name(emoji)).split(' ').includes(word)) ? 0 : 1)
    return found.toSorted((a, b) => rank(a) - rank(b) || a.at - b.at)
  }
}

/** The same list with this one in front, at most so many. */
export function usedNow(recent: readonly string[], text: string, most = 32): string[] {
  return [text, ...recent.filter((other) => other !== text)].slice(0, most)
}
