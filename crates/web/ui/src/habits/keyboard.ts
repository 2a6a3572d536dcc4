// Hears the keys of the whole page.
import { isPlain, comboOf } from '../lib/keys'
import { here } from '../state/place.svelte'
import { reach } from '../state/reach.svelte'
import { bindings, mac } from './bindings.svelte'

/** Something lies over the page that has its own keys. */
function covered(): boolean {
  return document.querySelector('dialog:modal, :popover-open') !== null
}

function editable(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'range', 'file'].includes(target.type)
}

/** Closes what lies on top. */
function escape(event: KeyboardEvent): boolean {
  const { target } = event
  if (target instanceof HTMLInputElement && target.type === 'search' && target.value !== '') return false
  return reach.cancel() || here.closeTop()
}

function pressed(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || covered()) return
  if (event.key === 'Escape') {
    if (escape(event)) event.preventDefault()
    return
  }
  const doing = bindings.find(event)
  if (!doing || (doing.can && !doing.can())) return
  if (editable(event.target) && isPlain(comboOf(event, mac))) return
  event.preventDefault()
  doing.run()
}

export function beginKeyboard(): void {
  document.addEventListener('keydown', pressed)
}
