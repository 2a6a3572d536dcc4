// What a search is narrowed to, beside its words.
import type { MessageKind } from '../../core/api'
import type { IconName } from '../../parts/icons'
import type { Key } from '../../lib/text'

export interface Narrow {
  kind: MessageKind | null
  /** The account that wrote it. */
  from: string | null
  /** Days back. */
  days: number | null
}

export const WIDE: Narrow = { kind: null, from: null, days: null }

export function isWide(narrow: Narrow): boolean {
  return narrow.kind === null && narrow.from === null && narrow.days === null
}

export const KINDS: readonly { kind: MessageKind; icon: IconName; label: Key }[] = [
  { kind: 'photo', icon: 'image', label: 'kindPhotos' },
  { kind: 'video', icon: 'video', label: 'kindVideos' },
  { kind: 'link', icon: 'link', label: 'kindLinks' },
  { kind: 'document', icon: 'file', label: 'kindDocuments' },
  { kind: 'voice', icon: 'mic', label: 'kindVoice' },
  { kind: 'poll', icon: 'poll', label: 'kindPolls' },
  { kind: 'event', icon: 'calendar', label: 'kindEvents' },
  { kind: 'place', icon: 'place', label: 'kindPlaces' },
  { kind: 'contact', icon: 'person', label: 'kindContacts' },
]

const DAY_MS = 86_400_000

/** For the query. */
export function sinceMs(narrow: Narrow, nowMs: number): number | null {
  return narrow.days === null ? null : nowMs - narrow.days * DAY_MS
}
