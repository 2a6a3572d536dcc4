// All the emoji there are, to react with.
import type { Message } from '../../core/api'
import { named } from '..'
import { here } from '../../state/place.svelte'

/** `undefined`: there is nothing to choose from. */
export function moreEmoji(message: Message): (() => void) | undefined {
  return named('react') && (() => here.tryOver('react', { message: message.id, with: message.with }))
}
