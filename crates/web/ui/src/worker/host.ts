// The tab's worker that has the core: it opens the profile, turns the core, and answers whoever asks.
import init, { Core, Storage, needsPassphrase, newKey, rewrapKey } from './wasm/waxwing_web.js'
import { forget, keep, kept } from './keeper'
import type { Event } from '../core/api'
import type { Ask, CoreState, Say } from './messages'

/** Where something goes: `all`, or a tab. */
export type Speak = (to: string, say: Say) => void

const failure = (code: string, detail: string) => JSON.stringify({ code, fault: 'device', detail, retryAfterMs: 0 })

/** What Rust throws is JSON already. */
function wordsOf(error: unknown): { code: string; detail: string } {
  if (typeof error === 'string') {
    try {
      return JSON.parse(error) as { code: string; detail: string }
    } catch {
      return { code: 'unexpected', detail: error }
    }
  }
  return { code: 'unexpected', detail: error instanceof Error ? error.message : 'something went wrong' }
}

export class Host {
  state: CoreState = { at: 'starting' }
  /** Another tab had the core before. */
  inherits = false
  #speak: Speak
  #storage: Storage | undefined
  #core: Core | undefined
  #key: string | undefined
  /** Files that pages wait for, and which. */
  readonly #files = new Map<number, string>()
  #scheduled = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(speak: Speak) {
    this.#speak = speak
  }

  #become(state: CoreState) {
    this.state = state
    this.#speak('all', { t: 'state', state })
  }

  #fail(error: unknown) {
    const { code, detail } = wordsOf(error)
    this.#become({ at: 'failed', code, detail })
  }

  /** `expected`: this browser has had a profile. */
  async begin(expected: boolean): Promise<void> {
    try {
      await init()
      if (this.#storage === undefined) this.#storage = await Storage.open()
      const [here, key] = [this.#storage.hasProfile, await kept()]
      if (here && key === undefined) {
        const detail = 'the messages are here, but the browser has lost the key to them; begin anew and link this device again'
        return this.#become({ at: 'failed', code: 'keyMissing', detail })
      }
      if (!here && expected) {
        const detail =
          'this browser has deleted what Waxwing kept in it, to make room or because it was told to clear its data; begin anew and link this device again'
        return this.#become({ at: 'failed', code: 'evicted', detail })
      }
      this.#key = key ?? newKey(undefined)
      if (key === undefined) await keep(this.#key)
      if (needsPassphrase(this.#key)) return this.#become({ at: 'locked' })
      this.#open(undefined)
    } catch (error) {
      this.#fail(error)
    }
  }

  unlock(passphrase: string) {
    if (this.state.at !== 'locked') return
    try {
      this.#open(passphrase)
    } catch (error) {
      // Told, and asked for again.
      this.#fail(error)
      if (wordsOf(error).code === 'passphraseWrong') this.#become({ at: 'locked' })
    }
  }

  /** What is here is of no use any more. */
  async anew(): Promise<void> {
    try {
      this.#storage?.clear()
      await forget()
      await this.begin(false)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Nothing is kept. */
  async memory(): Promise<void> {
    try {
      await init()
      this.#storage = Storage.memory()
      this.#key = newKey(undefined)
      this.#open(undefined)
    } catch (error) {
      this.#fail(error)
    }
  }

  #open(passphrase: string | undefined) {
    if (this.#storage === undefined || this.#key === undefined) return
    const wake = () => this.#wake()
    const progress = (done: number, total: number) => this.#become({ at: 'starting', done, total })
    this.#core = new Core(this.#storage, this.#key, passphrase, wake, progress)
    this.#core.send(0, JSON.stringify({ type: 'goOnline' }))
    // The core waits longer and longer while there is no network: now there is one.
    self.addEventListener('online', () => this.#send(0, JSON.stringify({ type: 'goOnline' })))
    if (this.inherits) this.#speak('all', { t: 'moved' })
    this.#become({ at: 'ready' })
    this.#turn()
  }

  #wake() {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#turn()
    })
  }

  #turn() {
    const core = this.#core
    if (core === undefined) return
    clearTimeout(this.#timer)
    for (const json of core.turn()) {
      if (this.#files.size === 0 || !this.#handedOver(core, json)) this.#speak('all', { t: 'event', json })
    }
    this.#timer = setTimeout(() => this.#turn(), core.patience())
  }

  /** Whether it was the end of what a page waits for, which gets the file. */
  #handedOver(core: Core, json: string): boolean {
    const event = JSON.parse(json) as Event
    if (event.type !== 'done' && event.type !== 'failed') return false
    const from = this.#files.get(event.command)
    if (from === undefined) return false
    this.#files.delete(event.command)
    const id = event.command
    if (event.type === 'failed') this.#speak(from, { t: 'refused', id, json: JSON.stringify(event.failure) })
    else this.#speak(from, { t: 'answer', id, blob: core.takeFile(id) ?? new Blob() })
    return true
  }

  #send(id: number, json: string) {
    this.#core?.send(id, json)
    this.#wake()
  }

  async ask(from: string, ask: Ask): Promise<void> {
    const refuse = (json: string) => this.#speak(from, { t: 'refused', id: ask.id, json })
    const core = this.#core
    // Pages ask again when what another tab had is open here.
    if (core === undefined && this.inherits && this.state.at === 'starting') return
    if (core === undefined) return refuse(failure('notOpen', 'the profile is not open'))
    try {
      switch (ask.t) {
        case 'send':
          return this.#send(ask.id, ask.json)
        case 'query':
          return this.#speak(from, { t: 'answer', id: ask.id, json: core.query(ask.json) })
        case 'protect': {
          const key = rewrapKey(this.#key ?? '', ask.former, ask.passphrase)
          await keep(key)
          this.#key = key
          return this.#speak(from, { t: 'answer', id: ask.id })
        }
        case 'attach': {
          const { content, about, pixels, thumbnail, waveform } = ask.given
          return core.attach(ask.id, content, JSON.stringify(about), pixels, thumbnail, waveform)
        }
        case 'file': {
          this.#files.set(ask.id, from)
          const { message, index } = ask
          // The path is a page's: it gets the content itself.
          return this.#send(ask.id, JSON.stringify({ type: 'saveFile', message, index, path: 'page' }))
        }
      }
    } catch (error) {
      if (typeof error === 'string') return refuse(error)
      const { code, detail } = wordsOf(error)
      refuse(failure(code, detail))
    }
  }
}
