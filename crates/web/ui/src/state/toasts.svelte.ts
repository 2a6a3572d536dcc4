// Short words about what has just happened.
import { explain } from './failures'

export interface Toast {
  id: number
  text: string
  action?: { label: string; run: () => void }
}

const SHOWN_MS = 4_000
const MAX = 3

class Toasts {
  list = $state.raw<Toast[]>([])
  #next = 1

  say(text: string, action?: Toast['action']): void {
    const toast: Toast = action ? { id: this.#next, text, action } : { id: this.#next, text }
    this.#next += 1
    this.list = [...this.list.slice(1 - MAX), toast]
    setTimeout(() => this.close(toast.id), action ? SHOWN_MS * 2 : SHOWN_MS)
  }

  close(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id)
  }
}

export const toasts = new Toasts()

/** Does something; if it fails, says why. Whether it was done. */
export async function attempt(work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (thrown) {
    toasts.say(explain(thrown))
    return false
  }
}
