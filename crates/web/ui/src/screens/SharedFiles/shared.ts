// Files of messages, one by one.
import type { Attachment, Message } from '../../core/api'

export interface SharedFile {
  message: Message
  file: Attachment
  /** Which of the message's files. */
  index: number
}

/** What is to be seen once is left out: it is nowhere to be found again. */
export function filesOf(messages: readonly Message[]): SharedFile[] {
  return messages.flatMap((message) => {
    const { body } = message
    if (body.kind !== 'text' || body.once) return []
    return (body.attachments ?? []).map((file, index) => ({ message, file, index }))
  })
}

/** Is looked at; otherwise it is read or heard. */
export function isSeen({ file }: SharedFile): boolean {
  return file.kind === 'photo' || file.kind === 'video' || file.kind === 'gif' || file.kind === 'sticker'
}
