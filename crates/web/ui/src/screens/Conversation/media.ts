// Pictures and films, seen large.
import type { Message } from '../../core/api'
import { save } from '../../state/files.svelte'
import { here } from '../../state/place.svelte'

export function openMedia(message: Message, index: number): void {
  const file = message.body.kind === 'text' ? message.body.attachments?.[index] : undefined
  if (!here.tryOver('lightbox', { message: message.id, index }) && file) void save(message.id, index, file)
}
