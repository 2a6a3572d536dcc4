// The one menu that is open, and the one question that is asked.
import type { IconName } from '../parts/icons'

export interface MenuItem {
  label: string
  icon?: IconName
  run: () => void
  danger?: boolean
  /** One of several that are chosen among; shown with a mark. */
  checked?: boolean
}

export interface Spot {
  x: number
  y: number
}

/** A row of emoji above a menu. */
export interface Quick {
  emoji: readonly string[]
  chosen: string
  pick: (emoji: string) => void
  /** Shows all there are. */
  more?: (() => void) | undefined
}

class Menu {
  items = $state.raw<MenuItem[]>([])
  at = $state.raw<HTMLElement | Spot | null>(null)
  quick = $state.raw<Quick | null>(null)

  /** Opens below an element, or where the pointer is. */
  open(items: readonly (MenuItem | false | undefined)[], at: HTMLElement | Spot, quick: Quick | null = null): void {
    this.items = items.filter((item) => item !== false && item !== undefined)
    this.quick = quick
    this.at = this.items.length > 0 ? at : null
  }

  close(): void {
    this.at = null
  }
}

export const menu = new Menu()

/** Where a context menu opens: at the pointer, or at the element if a key asked for it. */
export function spotOf(event: MouseEvent): HTMLElement | Spot {
  const byKey = event.clientX === 0 && event.clientY === 0
  return byKey && event.currentTarget instanceof HTMLElement ? event.currentTarget : { x: event.clientX, y: event.clientY }
}

export interface Question {
  title: string
  text?: string
  /** What the button says that does it. */
  yes: string
  danger?: boolean
  /** More than one way to do it: which one is the answer. */
  choices?: readonly { value: string; label: string }[]
}

class Questions {
  asked = $state.raw<Question | null>(null)
  #answer: (answer: string | null) => void = () => {}

  answer(answer: string | null): void {
    this.asked = null
    this.#answer(answer)
  }

  ask(question: Question): Promise<string | null> {
    this.#answer(null)
    this.asked = question
    return new Promise((resolve) => (this.#answer = resolve))
  }
}

export const questions = new Questions()

/** Asks before something is done that cannot be taken back. */
export async function confirmed(question: Question): Promise<boolean> {
  return (await questions.ask(question)) !== null
}

/** Asks which way; `null`: not at all. */
export function choose(question: Question): Promise<string | null> {
  return questions.ask(question)
}
