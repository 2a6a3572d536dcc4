// Which keys do what: as it is at first, and as the user has set it, on all devices.
import { comboOf, parseBindings, printBindings, shown, type Combo } from '../lib/keys'
import { t } from '../lib/text'
import { settings } from '../state/settings.svelte'
import { DOINGS, type Doing } from './commands'

const SETTING = 'web.keys'
/** As the core takes it. */
const MOST_BYTES = 4_096

export const mac = /Mac|iPhone|iPad/.test(navigator.platform)

class Bindings {
  #own = $derived(parseBindings(settings.text(SETTING)))
  #byCombo = $derived(new Map(DOINGS.flatMap((doing) => this.of(doing).map((combo) => [combo, doing] as const))))

  of(doing: Doing): readonly Combo[] {
    return this.#own.get(doing.id) ?? doing.combos
  }

  isOwn(doing: Doing): boolean {
    return this.#own.has(doing.id)
  }

  /** Who else has it. */
  holder(combo: Combo): Doing | undefined {
    return this.#byCombo.get(combo)
  }

  find(event: KeyboardEvent): Doing | undefined {
    const combo = comboOf(event, mac)
    return combo === '' ? undefined : this.#byCombo.get(combo)
  }

  /** `null`: as it was at first. A combination that another one has goes over. */
  async set(doing: Doing, combos: readonly Combo[] | null): Promise<void> {
    const own = new Map(this.#own)
    if (combos === null) own.delete(doing.id)
    else own.set(doing.id, [...combos])
    for (const combo of combos ?? doing.combos) {
      const holder = this.holder(combo)
      if (holder && holder.id !== doing.id) own.set(holder.id, this.of(holder).filter((other) => other !== combo))
    }
    await this.#keep(own)
  }

  async reset(): Promise<void> {
    await this.#keep(new Map())
  }

  async #keep(own: ReadonlyMap<string, readonly Combo[]>): Promise<void> {
    const text = printBindings(own)
    if (text.length <= MOST_BYTES) await settings.set(SETTING, text === '' ? null : text)
  }
}

export const bindings = new Bindings()

/** The names that stand on the keys. */
export function keyNames(combo: Combo): string[] {
  const names: Record<string, string> = mac
    ? { Mod: '⌘', Ctrl: '⌃', Alt: '⌥', Shift: '⇧' }
    : { Mod: t('keyCtrl'), Alt: 'Alt', Shift: t('keyShift') }
  return shown(combo, { ...names, Up: '↑', Down: '↓', Left: '←', Right: '→', Space: t('keySpace'), Escape: t('keyEscape') })
}
