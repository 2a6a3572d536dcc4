// A file of the user's, made ready as far as only a page can: pictures are decoded, made smaller and encoded anew by
// the browser, off this thread; of a photo nothing is kept but its pixels. What needs no browser the core does.
import type { AttachmentKind } from '../api'
import type { About, Given } from '../../worker/messages'
import { length, waveform } from './sound'
import { poster } from './film'

/** As `waxwing_app::limits` has them. */
const PHOTO_SIDE = 1600
const PHOTO_HD_SIDE = 4096
const STICKER_SIDE = 512
const MAX_PHOTO_BYTES = 64 * 1024 * 1024
const MAX_SIDE = 16_384
const MAX_THUMBNAIL_BYTES = 8 * 1024
const THUMBNAIL_SIDES = [240, 160, 96]
/** Of the small picture that becomes a BlurHash. */
const SMALL_SIDE = 32

/** What cannot be sent as it was asked for; `code` is the terminal's. */
export class Unfit extends Error {
  readonly code: string

  constructor(code: string, detail: string) {
    super(detail)
    this.code = code
  }
}

type Known = readonly [type: string, kind: AttachmentKind]

/** What the first bytes of a file say that it is. */
export function recognised(head: Uint8Array): Known | undefined {
  const at = (from: number, text: string) => [...text].every((letter, place) => head[from + place] === letter.charCodeAt(0))
  const brand = at(4, 'ftyp') ? String.fromCharCode(...head.subarray(8, 12)) : ''
  if (at(0, '\xff\xd8\xff')) return ['image/jpeg', 'photo']
  if (at(0, '\x89PNG\r\n')) return ['image/png', 'photo']
  if (at(0, 'GIF8')) return ['image/gif', 'gif']
  if (at(0, 'RIFF') && at(8, 'WEBP')) return ['image/webp', 'photo']
  if (at(0, 'RIFF') && at(8, 'WAVE')) return ['audio/wav', 'audio']
  if (brand === 'M4A ') return ['audio/mp4', 'audio']
  if (/^(heic|heix|hevc|mif1|msf1)$/.test(brand)) return ['image/heic', 'photo']
  if (/^avi[fs]$/.test(brand)) return ['image/avif', 'photo']
  if (brand === 'qt  ') return ['video/quicktime', 'video']
  if (brand !== '') return ['video/mp4', 'video']
  if (at(0, '\x1a\x45\xdf\xa3')) return ['video/webm', 'video']
  if (at(0, 'OggS')) return ['audio/ogg', 'audio']
  if (at(0, 'fLaC')) return ['audio/flac', 'audio']
  if (at(0, 'ID3') || (head[0] === 0xff && head[1] === 0xfb)) return ['audio/mpeg', 'audio']
  if (at(0, '%PDF-')) return ['application/pdf', 'document']
  if (at(0, 'PK\x03\x04')) return ['application/zip', 'document']
  return undefined
}

const bytesOf = async (blob: Blob) => new Uint8Array(await blob.arrayBuffer())

function canvas(width: number, height: number): [OffscreenCanvas, OffscreenCanvasRenderingContext2D] {
  const made = new OffscreenCanvas(width, height)
  const context = made.getContext('2d', { willReadFrequently: true })
  if (context === null) throw new Unfit('malformedPicture', 'this browser cannot draw the picture; send it as a document')
  return [made, context]
}

/** At most so large, on white where it is to be a JPEG. */
export function drawn(picture: ImageBitmap, side: number, white = true): OffscreenCanvas {
  const scale = Math.min(1, side / Math.max(picture.width, picture.height))
  const [width, height] = [picture.width, picture.height].map((length) => Math.max(1, Math.round(length * scale))) as [number, number]
  const [made, context] = canvas(width, height)
  if (white) {
    context.fillStyle = '#fff'
    context.fillRect(0, 0, width, height)
  }
  context.imageSmoothingQuality = 'high'
  context.drawImage(picture, 0, 0, width, height)
  return made
}

/** How something looks that is not here yet. */
export async function looks(picture: ImageBitmap): Promise<Pick<Given, 'pixels' | 'thumbnail'>> {
  const [, context] = canvas(SMALL_SIDE, SMALL_SIDE)
  context.drawImage(picture, 0, 0, SMALL_SIDE, SMALL_SIDE)
  const pixels = new Uint8Array(context.getImageData(0, 0, SMALL_SIDE, SMALL_SIDE).data)
  for (const side of THUMBNAIL_SIDES) {
    const small = await drawn(picture, side).convertToBlob({ type: 'image/jpeg', quality: 0.6 })
    if (small.size <= MAX_THUMBNAIL_BYTES) return { pixels, thumbnail: await bytesOf(small) }
  }
  return { pixels, thumbnail: new Uint8Array() }
}

async function decoded(file: Blob): Promise<ImageBitmap> {
  const unfit = new Unfit('malformedPicture', 'this cannot be read as a picture, or is too large; send it as a document')
  if (file.size > MAX_PHOTO_BYTES) throw unfit
  const picture = await createImageBitmap(file, { imageOrientation: 'from-image' }).catch(() => {
    throw unfit
  })
  if (Math.max(picture.width, picture.height) > MAX_SIDE) throw unfit
  return picture
}

const NOTHING = { pixels: new Uint8Array(), thumbnail: new Uint8Array(), waveform: new Uint8Array() }

export async function prepare(file: Blob, options: { name?: string; kind?: AttachmentKind; hd?: boolean }): Promise<Given> {
  const known = recognised(await bytesOf(file.slice(0, 64)))
  const kind = options.kind ?? known?.[1] ?? 'document'
  const name = options.name ?? (file instanceof File ? file.name : '')
  const about: About = { kind, mediaType: known?.[0] ?? 'application/octet-stream', name }
  switch (kind) {
    case 'photo': {
      const picture = await decoded(file)
      const made = drawn(picture, options.hd === true ? PHOTO_HD_SIDE : PHOTO_SIDE)
      const content = await made.convertToBlob({ type: 'image/jpeg', quality: options.hd === true ? 0.88 : 0.8 })
      const seen = await looks(picture)
      picture.close()
      return { ...NOTHING, ...seen, content, about: { ...about, mediaType: 'image/jpeg', width: made.width, height: made.height } }
    }
    case 'sticker': {
      const picture = await decoded(file)
      const made = drawn(picture, STICKER_SIDE, false)
      // Where a browser writes no WebP it writes PNG.
      const content = await made.convertToBlob({ type: 'image/webp', quality: 0.9 })
      const seen = await looks(picture)
      picture.close()
      return { ...NOTHING, ...seen, content, about: { ...about, mediaType: content.type, width: made.width, height: made.height } }
    }
    case 'gif': {
      const picture = await decoded(file)
      const seen = await looks(picture)
      const { width, height } = picture
      picture.close()
      return { ...NOTHING, ...seen, content: file, about: { ...about, width, height } }
    }
    case 'video':
      return { ...NOTHING, ...(await poster(file)), content: file, about }
    case 'voice': {
      const heard = await waveform(file)
      return { ...NOTHING, waveform: heard.waveform, content: file, about: { ...about, durationMs: heard.durationMs } }
    }
    case 'audio':
      return { ...NOTHING, content: file, about: { ...about, durationMs: await length(file) } }
    default:
      return { ...NOTHING, content: file, about }
  }
}
