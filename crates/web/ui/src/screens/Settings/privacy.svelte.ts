// Who may know what of the user, as it is set.
import type { Audience, Privacy, PrivacySetting } from '../../core/api'
import { core, on, soon } from '../../state/core.svelte'
import { attempt } from '../../state/toasts.svelte'

class PrivacyState {
  now = $state.raw<Privacy>()
  #refresh = soon(async () => {
    this.now = await core.query({ type: 'privacy' })
  })

  constructor() {
    on('stateChanged', this.#refresh)
    on('overrun', this.#refresh)
    this.#refresh()
  }

  async set(setting: PrivacySetting, audience: Audience): Promise<boolean> {
    const done = await attempt(core.send({ type: 'setPrivacy', setting, audience }))
    this.#refresh()
    return done
  }
}

export const privacy = new PrivacyState()
