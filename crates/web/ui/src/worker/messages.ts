// What pages and workers say to each other. JSON of the interface crosses as text: only the page takes it apart.
import type { AttachmentKind } from '../core/api'

/** How far opening has come. `failed` carries a code of the core's or one of these: `unsupported`, `evicted`. */
export type CoreState =
  | { at: 'starting'; done?: number; total?: number }
  | { at: 'locked' }
  | { at: 'ready' }
  | { at: 'failed'; code: string; detail: string }

export type AttachOptions = { name?: string; kind?: AttachmentKind; hd?: boolean }

/** What is said of a file that the page has made ready. */
export type About = {
  kind: AttachmentKind
  mediaType: string
  name: string
  width?: number
  height?: number
  durationMs?: number
}

/** Such a file: its content; 32 by 32 pixels of a small picture, four bytes each; a small image file; loudness of equal parts. What there is not is empty. */
export type Given = {
  content: Blob
  about: About
  pixels: Uint8Array
  thumbnail: Uint8Array
  waveform: Uint8Array
}

/** From a page to its worker; what has an `id` is answered or refused once, in whichever tab the core is. */
export type Ask =
  | { t: 'send'; id: number; json: string }
  | { t: 'query'; id: number; json: string }
  | { t: 'attach'; id: number; given: Given }
  | { t: 'file'; id: number; message: string; index: number }
  | { t: 'protect'; id: number; former: string | undefined; passphrase: string | undefined }

/** From a page to its worker, about this browser. */
export type Tell =
  /** `expected`: there was a profile in this browser. */
  | { t: 'begin'; expected: boolean }
  | { t: 'unlock'; passphrase: string }
  | { t: 'anew' }
  | { t: 'memory' }

/** From the core, to the page that asked or to all. */
export type Say =
  | { t: 'state'; state: CoreState }
  | { t: 'event'; json: string }
  | { t: 'answer'; id: number; json?: string; blob?: Blob }
  /** `json` of a failure. */
  | { t: 'refused'; id: number; json: string }
  /** Another tab has the core now: what was asked is asked again. */
  | { t: 'moved' }

/** Between workers. */
export type Between = { to: 'core'; from: string; ask: Ask } | { to: 'core'; from: string; tell: Tell } | { to: 'all' | string; say: Say }
