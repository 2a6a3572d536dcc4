// Messages that the user has marked.
import { core, on, soon } from './core.svelte'
import { attempt } from './toasts.svelte'

class Stars {
  ids = $state.raw<ReadonlySet<string>>(new Set())
  #refresh = soon(() => this.load())

  begin(): void {
    this.#refresh()
    on('stateChanged', this.#refresh)
    on('overrun', this.#refresh)
  }

  async load(): Promise<void> {
    const { messages } = await core.query({ type: 'starred' })
    this.ids = new Set(messages.map((message) => message.id))
  }

  async set(messages: readonly string[], starred: boolean): Promise<void> {
    for (const message of messages) {
      if (!(await attempt(core.send({ type: 'setStarred', message, starred })))) break
    }
    this.#refresh()
  }
}

export const stars = new Stars()
