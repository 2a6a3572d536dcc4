import { describe, expect, test } from 'vitest'

import type { Message, Post } from '../../core/api'
import { write, type Source } from './write'

function message(order: number, post: Partial<Post>): Message {
  const body = { kind: 'text' as const, text: '', ...post }
  return { id: `a-1-${order}`, with: 'a', from: order % 2 === 0 ? 'a' : 'b', device: 1, order, direction: 'incoming', sentAtMs: order, storedAtMs: order, body, delivery: 'read' }
}

const photo = { id: 'abcdef0123456789', kind: 'photo' as const, bytes: 3, mediaType: 'image/jpeg', thumbnail: 'AAAA' }

function source(all: readonly Message[], files: Record<string, string> = {}): Source {
  return {
    names: { own: 'a', name: (account) => account.toUpperCase() },
    page: async (after, limit) => all.filter((one) => one.order > after).slice(0, limit),
    file: async (id) => {
      const content = files[id]
      if (content === undefined) throw new Error('gone')
      return new Blob([content])
    },
    time: (ms) => `t${ms}`,
  }
}

const wish = { conversation: 'a', title: 'Ann', format: 'text' as const, files: false }
const run = (more: object, from: Source, signal = new AbortController().signal) => write({ ...wish, ...more }, from, () => {}, signal)

describe('an export', () => {
  test('holds every message of many pages once, in order', async () => {
    const all = Array.from({ length: 1_201 }, (_, at) => message(at + 1, { text: `m${at + 1}` }))
    const { blob, end, progress } = await run({}, source(all))
    const lines = (await blob.text()).trimEnd().split('\n')
    expect(lines.length).toBe(1_201)
    expect(lines[0]).toBe('[t1] B: m1')
    expect(lines[1_200]).toBe('[t1201] B: m1201')
    expect([end, progress.messages]).toEqual(['txt', 1_201])
  })

  test('is JSON that can be read, without small pictures and without what was to be seen once', async () => {
    const all = [message(1, { attachments: [photo] }), message(2, { text: 'secret', once: true, attachments: [photo] })]
    const { blob } = await run({ format: 'json' }, source(all))
    const read: unknown = JSON.parse(await blob.text())
    expect(read).toMatchObject({ chat: 'Ann', people: { a: 'A', b: 'B' } })
    expect(JSON.stringify(read)).not.toMatch(/secret|thumbnail/)
    expect(JSON.parse(await (await run({ format: 'json' }, source([]))).blob.text())).toMatchObject({ messages: [] })
  })

  test('with files is an archive of them and of the text; what is gone is counted', async () => {
    const all = [message(1, { text: 'look', attachments: [photo] }), message(2, { attachments: [photo] })]
    const { blob, end, progress } = await run({ files: true }, source(all, { 'a-1-1': 'jpg' }))
    const bytes = new TextDecoder('latin1').decode(await blob.arrayBuffer())
    expect(bytes.startsWith('PK')).toBe(true)
    expect(bytes).toContain('files/00001-photo-abcdef01.jpg')
    expect(bytes).toContain('[t1] B: <files/00001-photo-abcdef01.jpg>\nlook')
    expect([end, progress]).toEqual(['zip', { messages: 2, files: 1, missing: 1 }])
  })

  test('ends when it is not wanted any more', async () => {
    const stop = new AbortController()
    stop.abort(new Error('enough'))
    await expect(run({}, source([message(1, {})]), stop.signal)).rejects.toThrow('enough')
  })
})
