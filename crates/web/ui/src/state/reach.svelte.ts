// What shortcuts and the palette can do in what is open: screens offer it, as long as they are there.

/** In a conversation; those of a message act on the one that has the focus, otherwise on the newest that fits. */
export type Act =
  | 'reply'
  | 'react'
  | 'forward'
  | 'copyMessage'
  | 'editMessage'
  | 'starMessage'
  | 'deleteMessage'
  | 'messageInfo'
  | 'compose'
  | 'attach'
  | 'emoji'
  | 'record'
  | 'searchChat'
  | 'chatInfo'
  | 'search'

interface Acts extends Partial<Record<Act, () => void>> {
  /** Ends what is half done, such as choosing messages. Whether there was anything. */
  cancel?: () => boolean
}

class Reach {
  #offers = $state.raw<readonly Acts[]>([])

  /** Returns what takes it back. */
  offer(acts: Acts): () => void {
    this.#offers = [...this.#offers, acts]
    return () => (this.#offers = this.#offers.filter((other) => other !== acts))
  }

  can(act: Act): boolean {
    return this.#offers.some((acts) => acts[act] !== undefined)
  }

  cancel(): boolean {
    return this.#offers.toReversed().some((acts) => acts.cancel?.() ?? false)
  }

  run(act: Act): void {
    this.#offers.findLast((acts) => acts[act] !== undefined)?.[act]?.()
  }
}

export const reach = new Reach()
