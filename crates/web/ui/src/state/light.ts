// Who types, in words.
import { isGroup } from '../lib/names'
import { t } from '../lib/text'
import { chats } from './chats.svelte'
import { people } from './people.svelte'

/** Empty: nobody types or records there. */
export function composingText(conversation: string): string {
  const [first, second, ...more] = chats.composing(conversation)
  if (!first) return ''
  const recording = first.what === 'recording'
  if (!isGroup(conversation)) return t(recording ? 'recording' : 'typing')
  if (!second) return t(recording ? 'nameRecording' : 'nameTyping', { name: people.name(first.account) })
  if (more.length === 0) return t('twoTyping', { first: people.name(first.account), second: people.name(second.account) })
  return t('manyTyping', { count: more.length + 2 })
}
