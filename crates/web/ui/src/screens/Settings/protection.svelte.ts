// Whether a passphrase protects what is stored here: as the core said when it was opened, or as it was changed since.
import { account } from '../../state/connection.svelte'
import { core } from '../../state/core.svelte'

class Protected {
  #changed = $state<boolean>()

  get byPassphrase(): boolean {
    return this.#changed ?? account.status?.protection === 'passphrase'
  }

  /** `null`: by the browser's key alone. Throws what the core says. */
  async set(passphrase: string | null, former: string): Promise<void> {
    await core.protect(passphrase, this.byPassphrase ? former : undefined)
    this.#changed = passphrase !== null
  }
}

export const protection = new Protected()
