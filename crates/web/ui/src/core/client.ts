// What the user interface sees of the core: commands, queries, events. The core itself is in a worker of one tab.
import address from '../worker/worker.ts?worker&url'
import type { Answer, Attachment, Command, Event, Failure, Query } from './api'
import type { Ask, AttachOptions, CoreState, Say, Tell } from '../worker/messages'
import { script } from './trusted'

export type { AttachOptions, CoreState }

/** Why something was not done. */
export class CoreError extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.detail)
    this.name = 'CoreError'
    this.failure = failure
  }
}

type AnswerTypes = {
  message: 'message'
  messageAt: 'message'
  messageSentAt: 'message'
  history: 'messages'
  starred: 'messages'
  inbox: 'messages'
  search: 'hits'
}
/** The answer to a query. */
export type AnswerOf<Q extends Query> = Extract<
  Answer,
  { type: Q['type'] extends keyof AnswerTypes ? AnswerTypes[Q['type']] : Q['type'] }
>

export type DoneEvent = Extract<Event, { type: 'done' }>

export interface Core {
  /** Resolves with the event that says it is done, rejects with `CoreError`. */
  send(command: Command): Promise<DoneEvent>
  /** Rejects with `CoreError`. */
  query<const Q extends Query>(query: Q): Promise<AnswerOf<Q>>
  /** Events other than done and failed; returns what ends it. */
  on(listener: (event: Event) => void): () => void
  /** A file of the user's made ready for a post; progress by events. */
  attach(file: Blob, options: AttachOptions): Promise<Attachment>
  /** The content of a message's file; fetches it first if it is not here. */
  file(message: string, index: number): Promise<Blob>
  readonly state: { subscribe(run: (state: CoreState) => void): () => void }
  unlock(passphrase: string): Promise<void>
  /** Protects this browser's profile by a passphrase, another one, or none any more. */
  protect(passphrase: string | null, former?: string): Promise<void>
  /** After `failed` with what cannot be mended (`evicted`, `keyMissing`, …): an empty profile. */
  beginAnew(): void
  /** After `failed` with `filesUnsupported`: nothing is kept, all is gone with the window. */
  continueInMemory(): void
}

/** Says, apart from what the browser may delete together, that there was a profile here. */
const MARK = 'waxwing-profile=1'
const YEAR_S = 365 * 24 * 3600

type Waiting = { ask: Ask; resolve: (say: Extract<Say, { t: 'answer' }> | DoneEvent) => void; reject: (error: CoreError) => void }

/** Commands of which it matters how often they are done, and that the core does not do under a key. */
const MATTERS = new Set([
  'register', 'offerLink', 'approveLink', 'open', 'createGroup', 'changeGroup', 'setGroupLink', 'joinGroup', 'answerJoin',
  'shareHistory', 'setList', 'lookUpContacts', 'findable', 'redeemAddress',
])
/** Commands that the core does once under a key, so that they may be asked for again. */
const ONCE = new Set(['send', 'forward', 'act', 'sendToList', 'postStatus'])

class Client implements Core {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  /** Files that are ready, until the command that made them so is done. */
  readonly #attached = new Map<number, Attachment>()
  readonly #listeners = new Set<(event: Event) => void>()
  readonly #watchers = new Set<(state: CoreState) => void>()
  #state: CoreState = { at: 'starting' }
  // Ids are of this tab alone: 21 random bits, 32 that count.
  #next = Math.floor(Math.random() * 2 ** 20) * 2 ** 32 + 1

  readonly state = {
    subscribe: (run: (state: CoreState) => void) => {
      this.#watchers.add(run)
      run(this.#state)
      return () => void this.#watchers.delete(run)
    },
  }

  constructor(worker: Worker) {
    this.#worker = worker
    worker.onmessage = ({ data }: MessageEvent<Say>) => this.#heard(data)
    worker.onerror = (event) => {
      event.preventDefault()
      this.#become({ at: 'failed', code: 'unexpected', detail: event.message || 'the core cannot be loaded' })
    }
    this.#tell({ t: 'begin', expected: document.cookie.split('; ').includes(MARK) })
  }

  #tell(tell: Tell) {
    this.#worker.postMessage(tell)
  }

  #become(state: CoreState) {
    this.#state = state
    for (const run of this.#watchers) run(state)
  }

  #ask(make: (id: number) => Ask): Promise<Extract<Say, { t: 'answer' }> | DoneEvent> {
    const ask = make(this.#next++)
    return new Promise((resolve, reject) => {
      this.#waiting.set(ask.id, { ask, resolve, reject })
      this.#worker.postMessage(ask)
    })
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  #heard(say: Say) {
    switch (say.t) {
      case 'state':
        return this.#become(say.state)
      case 'answer':
        return this.#take(say.id)?.resolve(say)
      case 'refused':
        return this.#take(say.id)?.reject(new CoreError(JSON.parse(say.json) as Failure))
      case 'moved':
        return this.#askAgain()
      case 'event':
        return this.#happened(JSON.parse(say.json) as Event)
    }
  }

  #happened(event: Event) {
    if (event.type === 'done') return this.#take(event.command)?.resolve(event)
    if (event.type === 'failed') return this.#take(event.command)?.reject(new CoreError(event.failure))
    if (event.type === 'attached' && this.#waiting.has(event.command)) this.#attached.set(event.command, event.attachment)
    if (event.type === 'registered') {
      document.cookie = `${MARK}; max-age=${YEAR_S}; path=/; samesite=strict`
      void navigator.storage?.persist?.()
    }
    for (const listener of this.#listeners) listener(event)
  }

  /** The tab that had the core has gone, or the core has only just come. What may have been done already and cannot be asked for again has failed. */
  #askAgain() {
    for (const [id, { ask, reject }] of this.#waiting) {
      if (ask.t === 'send' && MATTERS.has((JSON.parse(ask.json) as Command).type)) {
        this.#waiting.delete(id)
        const detail = 'the tab that was doing it has closed; see whether it was done, and try again'
        reject(new CoreError({ code: 'interrupted', fault: 'device', detail, retryAfterMs: 0 }))
      } else {
        this.#worker.postMessage(ask)
      }
    }
    for (const listener of this.#listeners) listener({ type: 'overrun' })
  }

  async send(command: Command): Promise<DoneEvent> {
    const asked: Command = ONCE.has(command.type) ? { type: 'once', key: crypto.randomUUID(), command } : command
    const json = JSON.stringify(asked)
    return (await this.#ask((id) => ({ t: 'send', id, json }))) as DoneEvent
  }

  async query<const Q extends Query>(query: Q): Promise<AnswerOf<Q>> {
    const json = JSON.stringify(query)
    const answer = (await this.#ask((id) => ({ t: 'query', id, json }))) as Extract<Say, { t: 'answer' }>
    return JSON.parse(answer.json ?? 'null') as AnswerOf<Q>
  }

  on(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async attach(file: Blob, options: AttachOptions): Promise<Attachment> {
    const { Unfit, prepare } = await import('./prepare/prepare')
    const given = await prepare(file, options).catch((error: unknown) => {
      if (!(error instanceof Unfit)) throw error
      throw new CoreError({ code: error.code, fault: 'user', detail: error.message, retryAfterMs: 0 })
    })
    const done = (await this.#ask((id) => ({ t: 'attach', id, given }))) as DoneEvent
    const attachment = this.#attached.get(done.command)
    this.#attached.delete(done.command)
    if (attachment === undefined) throw new CoreError({ code: 'unexpected', fault: 'device', detail: 'the file is not ready', retryAfterMs: 0 })
    return attachment
  }

  async file(message: string, index: number): Promise<Blob> {
    const answer = (await this.#ask((id) => ({ t: 'file', id, message, index }))) as Extract<Say, { t: 'answer' }>
    return answer.blob ?? new Blob()
  }

  async unlock(passphrase: string): Promise<void> {
    this.#tell({ t: 'unlock', passphrase })
    const state = await new Promise<CoreState>((resolve) => {
      let first = true
      const run = (state: CoreState) => {
        // The first is what it is now.
        if (!first && (state.at === 'ready' || state.at === 'failed')) {
          this.#watchers.delete(run)
          resolve(state)
        }
        first = false
      }
      this.state.subscribe(run)
    })
    if (state.at === 'failed') {
      throw new CoreError({ code: state.code, fault: 'user', detail: state.detail, retryAfterMs: 0 })
    }
  }

  async protect(passphrase: string | null, former?: string): Promise<void> {
    await this.#ask((id) => ({ t: 'protect', id, former, passphrase: passphrase ?? undefined }))
  }

  beginAnew() {
    document.cookie = 'waxwing-profile=; max-age=0; path=/; samesite=strict'
    this.#tell({ t: 'anew' })
  }

  continueInMemory() {
    this.#tell({ t: 'memory' })
  }
}

/** Opens the core, or joins the tab that has it open. */
export function openCore(): Core {
  return new Client(new Worker(script(address), { type: 'module', name: 'waxwing' }))
}
