// What the user has set of the program. The core keeps it, on all devices; what the first picture depends on is kept
// in this browser too, so that nothing flashes.
import { isLanguage, preferredLanguage, speak, type Language } from '../lib/text'
import { core, on, soon } from './core.svelte'
import { attempt } from './toasts.svelte'

/** Settings that are no texts of the user's, and what they are at first. */
const DEFAULTS = {
  'web.theme': 'system',
  'web.language': 'system',
  'web.enter': 'send',
  'web.textSize': '100',
  'web.motion': 'system',
  'web.sounds': 'off',
  'web.notify': 'on',
  'web.notifyText': 'all',
} as const
export type SettingKey = keyof typeof DEFAULTS
/** Kept in this browser too. */
const EARLY: readonly SettingKey[] = ['web.theme', 'web.language', 'web.textSize', 'web.motion']

class Settings {
  #values = $state.raw<ReadonlyMap<string, string>>(new Map(EARLY.flatMap((key) => early(key))))
  /** Changes with the language: what depends on texts is drawn anew. */
  language = $state<Language>('en')

  /** Before anything is drawn. */
  async prepare(): Promise<void> {
    this.#dress()
    await this.#speak()
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#dress())
  }

  /** Follows what is set here and on other devices. */
  begin(): void {
    const refresh = soon(() => this.load())
    refresh()
    on('stateChanged', refresh)
    on('overrun', refresh)
  }

  async load(): Promise<void> {
    const { settings } = await core.query({ type: 'settings' })
    this.#take(new Map(settings.map(({ key, value }) => [key, value])))
  }

  get(key: SettingKey): string {
    return this.#values.get(key) ?? DEFAULTS[key]
  }

  /** Any other of the program's settings, such as emoji used last. */
  text(key: string): string {
    return this.#values.get(key) ?? ''
  }

  async set(key: string, value: string | null): Promise<void> {
    const values = new Map(this.#values)
    if (value === null) values.delete(key)
    else values.set(key, value)
    this.#take(values)
    await attempt(core.send({ type: 'setSetting', key, value }))
  }

  #take(values: Map<string, string>): void {
    this.#values = values
    for (const key of EARLY) {
      const value = values.get(key)
      if (value === undefined) localStorage.removeItem(key)
      else localStorage.setItem(key, value)
    }
    this.#dress()
    void this.#speak()
  }

  /** Dark or light, as set or as the system has it. */
  get dark(): boolean {
    const theme = this.get('web.theme')
    return theme === 'system' ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark'
  }

  #dress(): void {
    document.documentElement.dataset['theme'] = this.dark ? 'dark' : 'light'
    document.documentElement.dataset['motion'] = this.get('web.motion')
    const percent = Number(this.get('web.textSize'))
    document.documentElement.style.fontSize = percent >= 80 && percent <= 160 && percent !== 100 ? `${percent}%` : ''
  }

  async #speak(): Promise<void> {
    const wanted = this.get('web.language')
    const language = isLanguage(wanted) ? wanted : preferredLanguage(navigator.languages)
    await speak(language)
    this.language = language
  }
}

function early(key: SettingKey): [string, string][] {
  const value = localStorage.getItem(key)
  return value === null ? [] : [[key, value]]
}

export const settings = new Settings()
