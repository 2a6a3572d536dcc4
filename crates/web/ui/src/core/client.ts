// What the user interface sees of the core. Preliminary: types only, until the core runs in its worker.
import type { Answer, Attachment, AttachmentKind, Command, Event, Failure, Query } from './api'

/** Why something was not done. */
export class CoreError extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.detail)
    this.name = 'CoreError'
    this.failure = failure
  }
}

/** How far opening has come. */
export type CoreState =
  | { at: 'starting' }
  | { at: 'locked' }
  | { at: 'ready' }
  | { at: 'failed'; code: string; detail: string }

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
  attach(file: Blob, options: { name?: string; kind?: AttachmentKind; hd?: boolean }): Promise<Attachment>
  /** The content of a message's file; fetches it first if it is not here. */
  file(message: string, index: number): Promise<Blob>
  readonly state: { subscribe(run: (state: CoreState) => void): () => void }
  unlock(passphrase: string): Promise<void>
  /** Protects what is stored here with a passphrase, or with the browser's key alone (`null`); `former`: the one it has. */
  protect(passphrase: string | null, former?: string): Promise<void>
}

/** Opens the core, or joins the tab that has it open. */
export function openCore(): Core {
  const failure: Failure = {
    code: 'noCore',
    fault: 'device',
    detail: 'this build holds no core',
    retryAfterMs: 0,
  }
  const none = () => Promise.reject(new CoreError(failure))
  return {
    send: none,
    query: none,
    on: () => () => {},
    attach: none,
    file: none,
    unlock: none,
    protect: none,
    state: {
      subscribe(run) {
        run({ at: 'failed', code: failure.code, detail: failure.detail })
        return () => {}
      },
    },
  }
}
