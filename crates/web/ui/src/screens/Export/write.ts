// A chat as a text or as JSON, page by page: no more of it is in memory than a page and a file.
import { downloadZip } from 'client-zip'

import type { Attachment, Message } from '../../core/api'
import { fileName } from '../../lib/fileName'
import { briefBody, briefQuote, kindName, type Names } from '../../lib/words'

/** Messages asked for at a time. */
const PAGE = 500
/** Bytes that are gathered before the browser gets them to keep. */
const CHUNK_BYTES = 8_000_000

export type Format = 'text' | 'json'

export interface Wish {
  conversation: string
  /** Of the chat. */
  title: string
  format: Format
  files: boolean
}

/** What it is made of. */
export interface Source {
  names: Names
  /** The page that begins after this order, the oldest first. */
  page(after: number, limit: number): Promise<Message[]>
  file(message: string, index: number): Promise<Blob>
  time(ms: number): string
}

export interface Progress {
  messages: number
  files: number
  /** Files that could not be fetched. */
  missing: number
}

export interface Written {
  blob: Blob
  /** What its name ends with. */
  end: string
  progress: Progress
}

/** Throws what the signal is aborted with. */
export async function write(wish: Wish, source: Source, tell: (progress: Progress) => void, signal: AbortSignal): Promise<Written> {
  const writer = new Writer(wish, source, tell, signal)
  const end = wish.format === 'json' ? 'json' : 'txt'
  if (!wish.files) {
    for await (const _ of writer.run()) signal.throwIfAborted()
    return { blob: writer.text(), end, progress: writer.progress }
  }
  const entries = async function* () {
    for await (const file of writer.run()) yield { name: file.name, input: file.content, lastModified: new Date(file.atMs) }
    yield { name: `chat.${end}`, input: writer.text() }
  }
  const blob = await gather(downloadZip(entries()), signal)
  return { blob, end: 'zip', progress: writer.progress }
}

/** A stream as a Blob, handed over to the browser piece by piece. */
async function gather(response: Response, signal: AbortSignal): Promise<Blob> {
  const pieces: Blob[] = []
  let chunk: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  const reader = response.body?.getReader()
  for (;;) {
    signal.throwIfAborted()
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
    if (value) {
      chunk.push(new Uint8Array(value))
      bytes += value.length
    }
    if (done || bytes >= CHUNK_BYTES) {
      pieces.push(new Blob(chunk))
      chunk = []
      bytes = 0
    }
    if (done) return new Blob(pieces, { type: 'application/zip' })
  }
}

interface Saved {
  name: string
  content: Blob
  atMs: number
}

class Writer {
  readonly progress: Progress = { messages: 0, files: 0, missing: 0 }
  readonly #wish: Wish
  readonly #source: Source
  readonly #tell: (progress: Progress) => void
  readonly #signal: AbortSignal
  readonly #parts: Blob[] = []
  readonly #people = new Map<string, string>()

  constructor(wish: Wish, source: Source, tell: (progress: Progress) => void, signal: AbortSignal) {
    this.#wish = wish
    this.#source = source
    this.#tell = tell
    this.#signal = signal
  }

  /** Goes through the chat; gives the files as they come by. */
  async *run(): AsyncGenerator<Saved> {
    const json = this.#wish.format === 'json'
    if (json) this.#put(`{"chat":${JSON.stringify(this.#wish.title)},"conversation":${JSON.stringify(this.#wish.conversation)},"messages":[\n`)
    let after = 0
    for (;;) {
      this.#signal.throwIfAborted()
      const page = await this.#source.page(after, PAGE)
      const lines: string[] = []
      for (const message of page) {
        this.#people.set(message.from, this.#source.names.name(message.from))
        const names: string[] = []
        for (const [index, file] of filesOf(message).entries()) {
          const saved = this.#wish.files ? await this.#save(message, index, file) : undefined
          if (saved) yield saved
          names.push(saved?.name ?? '')
        }
        const first = this.progress.messages === 0
        lines.push(json ? `${first ? '' : ',\n'}${JSON.stringify(plain(message, names))}` : `${line(message, names, this.#source)}\n`)
        this.progress.messages += 1
      }
      if (lines.length > 0) this.#put(lines.join(''))
      this.#tell({ ...this.progress })
      after = page.at(-1)?.order ?? after
      if (page.length < PAGE) break
    }
    if (json) this.#put(`\n],"people":${JSON.stringify(Object.fromEntries(this.#people))}}\n`)
  }

  async #save(message: Message, index: number, file: Attachment): Promise<Saved | undefined> {
    this.#signal.throwIfAborted()
    try {
      const content = await this.#source.file(message.id, index)
      this.progress.files += 1
      this.#tell({ ...this.progress })
      return { name: `files/${String(this.progress.files).padStart(5, '0')}-${fileName(file)}`, content, atMs: message.sentAtMs }
    } catch {
      this.progress.missing += 1
      return undefined
    }
  }

  #put(text: string): void {
    this.#parts.push(new Blob([text]))
  }

  text(): Blob {
    return new Blob(this.#parts, { type: this.#wish.format === 'json' ? 'application/json' : 'text/plain;charset=utf-8' })
  }
}

/** What was to be seen once is in no export. */
function filesOf(message: Message): readonly Attachment[] {
  return message.body.kind === 'text' && !message.body.once ? (message.body.attachments ?? []) : []
}

/** A message as people read it; lines after the first are part of it. */
export function line(message: Message, names: readonly string[], source: Pick<Source, 'names' | 'time'>): string {
  const head = `[${source.time(message.sentAtMs)}]`
  const { body } = message
  if (body.kind === 'notice') return `${head} ${briefBody(body, source.names).text}`
  const who = `${head} ${source.names.name(message.from)}:`
  if (body.kind !== 'text' || body.once) return `${who} ${briefBody(body, source.names).text}`
  const quoted = body.quote ? [`> ${briefQuote(body.quote).text}`] : []
  const files = filesOf(message).map((file, index) => `<${names[index] || file.name || kindName(file.kind)}>`)
  const said = body.text !== '' || files.length > 0 ? body.text : briefBody(body, source.names).text
  const parts = [...quoted, ...files, ...(said === '' ? [] : [said])]
  return `${who} ${parts.join('\n')}`
}

/** As the interface tells it, without pictures within it. */
function plain(message: Message, names: readonly string[]): unknown {
  const { body } = message
  if (body.kind !== 'text') return message
  if (body.once) return { ...message, body: { kind: 'text', text: '', once: true } }
  const attachments = body.attachments?.map(({ thumbnail: _, waveform: __, blurhash: ___, ...file }, index) => ({
    ...file,
    ...(names[index] ? { savedAs: names[index] } : {}),
  }))
  const preview = body.preview ? { ...body.preview, image: undefined } : body.preview
  return { ...message, body: { ...body, attachments, preview } }
}
