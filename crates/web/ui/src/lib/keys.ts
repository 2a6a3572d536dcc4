// Keys pressed together, as `Mod+Shift+R`. `Mod` is Ctrl, or Command on a Mac. Order: Mod, Ctrl, Alt, Shift, then the key.

export type Combo = string

/** What of a key event counts. */
export interface Pressed {
  key: string
  code: string
  ctrlKey: boolean
  metaKey: boolean
  altKey: boolean
  shiftKey: boolean
  getModifierState(key: string): boolean
}

const NAMED: Record<string, string> = { ArrowUp: 'Up', ArrowDown: 'Down', ArrowLeft: 'Left', ArrowRight: 'Right', ' ': 'Space' }
const BY_CODE: Record<string, string> = { Slash: '/', Comma: ',', Period: '.', Minus: '-', Equal: '=', Semicolon: ';' }
const MODIFIERS = new Set(['Control', 'Shift', 'Alt', 'Meta', 'AltGraph', 'CapsLock', 'Dead', 'Process', 'Unidentified'])

/** What was pressed; empty: modifiers alone, or a character that is typed with AltGr. */
export function comboOf(event: Pressed, mac: boolean): Combo {
  if (MODIFIERS.has(event.key)) return ''
  const key = keyOf(event)
  // Ctrl+Alt is AltGr on many keyboards; what it types is text.
  const types = event.key.length === 1 && event.key.toUpperCase() !== key
  if (key === '' || (types && event.ctrlKey && event.altKey && event.getModifierState('AltGraph'))) return ''
  const letter = /^[A-Z]$/.test(key)
  const parts = [
    (mac ? event.metaKey : event.ctrlKey) ? 'Mod' : '',
    mac && event.ctrlKey ? 'Ctrl' : '',
    event.altKey ? 'Alt' : '',
    // Of a sign, Shift may be what it takes to type it.
    event.shiftKey && (letter || key.length > 1) ? 'Shift' : '',
    key,
  ]
  return parts.filter((part) => part !== '').join('+')
}

function keyOf(event: Pressed): string {
  const { key, code } = event
  if (key.length > 1 || key === ' ') return NAMED[key] ?? key
  if (/^[a-z]$/i.test(key)) return key.toUpperCase()
  // Keyboards of other scripts, and signs that Alt makes of letters: by where the key is.
  const place = /^(?:Key|Digit)([A-Z0-9])$/.exec(code)?.[1]
  if (place !== undefined && (key.charCodeAt(0) > 0x7e || event.altKey)) return place
  if (key.charCodeAt(0) > 0x7e && BY_CODE[code] !== undefined) return BY_CODE[code]
  return key
}

/** Pressed without Ctrl, Alt or Command it would be text, or move within a field. */
export function isPlain(combo: Combo): boolean {
  return !/^(?:Mod|Ctrl|Alt)\+/.test(combo) && !/^(?:Shift\+)?F\d+$/.test(combo)
}

/** What browsers keep for themselves, so that no page hears of it. */
const RESERVED: ReadonlySet<Combo> = new Set(['Mod+N', 'Mod+T', 'Mod+W', 'Mod+Shift+N', 'Mod+Shift+T', 'Mod+Shift+W', 'Mod+Tab', 'Mod+Shift+Tab', 'Alt+F4', 'Mod+Q'])

export function isReserved(combo: Combo): boolean {
  return RESERVED.has(combo)
}

/** For people: the names that stand on the keys. */
export function shown(combo: Combo, names: Readonly<Record<string, string>>): string[] {
  // The key itself may be `+`.
  const parts = combo.endsWith('++') ? [...combo.slice(0, -2).split('+'), '+'] : combo.split('+')
  return parts.filter((part) => part !== '').map((part) => names[part] ?? part)
}

/** What the user has set, by what it is for: text of a setting. What is not understood is left out. */
export function parseBindings(text: string): Map<string, Combo[]> {
  const bindings = new Map<string, Combo[]>()
  if (text === '') return bindings
  try {
    const known: unknown = JSON.parse(text)
    if (typeof known !== 'object' || known === null) return bindings
    for (const [id, combos] of Object.entries(known)) {
      if (Array.isArray(combos)) bindings.set(id, combos.filter((combo) => typeof combo === 'string'))
    }
  } catch {
    // Written by something else: as it was at first.
  }
  return bindings
}

export function printBindings(bindings: ReadonlyMap<string, readonly Combo[]>): string {
  return bindings.size === 0 ? '' : JSON.stringify(Object.fromEntries(bindings))
}
