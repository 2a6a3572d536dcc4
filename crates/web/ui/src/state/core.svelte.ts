// The core of this tab, and how far it has come.
import { CoreError, openCore, type CoreState } from '../core/client'
import type { Event } from '../core/api'

export const core = openCore()

class Opening {
  state = $state.raw<CoreState>({ at: 'starting' })
}

export const opening = new Opening()
core.state.subscribe((state) => (opening.state = state))

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>

/** Hears events of one kind. Returns what ends it. */
export function on<T extends Event['type']>(type: T, hear: (event: EventOf<T>) => void): () => void {
  return core.on((event) => {
    if (event.type === type) hear(event as EventOf<T>)
  })
}

/** What to say to people about what was thrown. */
export function reason(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** For programs. */
export function codeOf(thrown: unknown): string {
  return thrown instanceof CoreError ? thrown.failure.code : 'internal'
}

/** A function that does something soon, once for all calls until it has begun; never twice at a time. */
export function soon(work: () => Promise<void>): () => void {
  let [running, again] = [false, false]
  const run = async () => {
    if (running) {
      again = true
      return
    }
    running = true
    do {
      again = false
      try {
        await work()
      } catch (thrown) {
        console.warn('not refreshed:', codeOf(thrown))
      }
    } while (again)
    running = false
  }
  return () => void run()
}
