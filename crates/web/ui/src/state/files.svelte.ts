// Files of messages: which are in this tab, which are on their way, and how far.
import { SvelteMap } from 'svelte/reactivity'

import type { Attachment, AttachmentKind, FetchRules, Fetching } from '../core/api'
import { fileName } from '../lib/fileName'
import { core, on, reason, soon } from './core.svelte'

/** Contents held as addresses of this tab; the one that was used longest ago goes. */
const MOST = 80

/** How far a file is on its way, 0 to 1. */
export interface Moving {
  sending: boolean
  part: number
}

export type Content = { at: 'fetching' } | { at: 'here'; url: string } | { at: 'failed'; why: string }

class Files {
  #contents = new SvelteMap<string, Content>()
  #moving = new SvelteMap<string, Moving>()
  #refused = new SvelteMap<string, string>()
  #used = new Set<string>()
  #rules: FetchRules | undefined

  begin(): void {
    const rules = soon(async () => {
      this.#rules = (await core.query({ type: 'fetchRules' })).rules
    })
    rules()
    on('stateChanged', rules)
    on('fileProgress', ({ file, sending, done, total }) => {
      this.#moving.set(file, { sending, part: total > 0 ? Math.min(1, done / total) : 0 })
    })
    on('fileUploaded', ({ file }) => this.#moving.delete(file))
    on('fileFetched', ({ file }) => this.#moving.delete(file))
    on('fileRefused', ({ file, failure }) => {
      this.#moving.delete(file)
      this.#refused.set(file, failure.detail)
    })
  }

  /** `undefined`: nobody has asked for it here. */
  content(message: string, index: number): Content | undefined {
    return this.#contents.get(`${message}/${index}`)
  }

  moving(file: Attachment): Moving | undefined {
    return this.#moving.get(file.id)
  }

  /** Why the server does not take it; empty: it does. */
  refused(file: Attachment): string {
    return this.#refused.get(file.id) ?? ''
  }

  /** Whether such a file comes without being asked for. */
  comesByItself(file: Attachment): boolean {
    const rule = this.#rules?.[KIND_OF_RULE[file.kind]]
    return rule !== undefined && allows(rule, file.bytes)
  }

  /** Fetches it, if it is not here, and gives its address in this tab. */
  async open(message: string, index: number): Promise<string | undefined> {
    const key = `${message}/${index}`
    const known = this.#contents.get(key)
    if (known?.at === 'here') {
      this.#use(key)
      return known.url
    }
    if (known?.at === 'fetching') return undefined
    this.#contents.set(key, { at: 'fetching' })
    try {
      const url = URL.createObjectURL(await core.file(message, index))
      this.#contents.set(key, { at: 'here', url })
      this.#use(key)
      return url
    } catch (thrown) {
      this.#contents.set(key, { at: 'failed', why: reason(thrown) })
      return undefined
    }
  }

  #use(key: string): void {
    this.#used.delete(key)
    this.#used.add(key)
    for (const oldest of this.#used) {
      if (this.#used.size <= MOST) break
      this.#used.delete(oldest)
      const content = this.#contents.get(oldest)
      if (content?.at === 'here') URL.revokeObjectURL(content.url)
      this.#contents.delete(oldest)
    }
  }
}

const KIND_OF_RULE: Record<AttachmentKind, keyof FetchRules> = {
  photo: 'photos',
  sticker: 'photos',
  gif: 'photos',
  voice: 'voice',
  video: 'video',
  audio: 'documents',
  document: 'documents',
}

function allows(rule: Fetching, bytes: number): boolean {
  return rule.fetch === 'always' || (rule.fetch === 'upTo' && bytes <= rule.bytes)
}

export const files = new Files()

/** Saves a file of a message where the browser keeps downloads. */
export async function save(message: string, index: number, file: Attachment): Promise<void> {
  const url = await files.open(message, index)
  if (url === undefined) return
  const link = document.createElement('a')
  link.href = url
  link.download = fileName(file)
  link.click()
}
