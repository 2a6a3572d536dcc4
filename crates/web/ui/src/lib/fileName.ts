// Names under which files of messages are saved. What the sender called them may be anything.
import type { Attachment } from '../core/api'

const MOST_CHARACTERS = 120

/** Without what cannot stand in a name of a file somewhere. */
export function safeName(text: string): string {
  const plain = text.replace(/[/\\:*?"<>|\p{Cc}\p{Cf}]/gu, '_').replace(/^[.\s]+|[.\s]+$/gu, '')
  const characters = [...plain]
  if (characters.length <= MOST_CHARACTERS) return plain
  // What stands behind the last dot stays.
  const end = [...(/\.[A-Za-z0-9]{1,8}$/.exec(plain)?.[0] ?? '')]
  return [...characters.slice(0, MOST_CHARACTERS - end.length), ...end].join('')
}

export function fileName(file: Attachment): string {
  return safeName(file.name ?? '') || `${file.kind}-${file.id.slice(0, 8)}${endOf(file.mediaType ?? '')}`
}

function endOf(mediaType: string): string {
  const end = mediaType.split('/')[1]?.replace('jpeg', 'jpg').replace(/[^a-z0-9].*$/, '') ?? ''
  return end === '' ? '' : `.${end}`
}
