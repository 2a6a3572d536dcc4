// How long something plays, and how loud its parts are.
import { Unfit } from './prepare'

/** Parts of a waveform. */
const PARTS = 64

/** Loudness of equal parts, 0 to 255 each, the loudest at the top. */
export function loudness(samples: Float32Array, parts = PARTS): Uint8Array<ArrayBuffer> {
  const values = Array.from({ length: parts }, (_, part) => {
    const from = Math.floor((part * samples.length) / parts)
    const to = Math.max(from + 1, Math.floor(((part + 1) * samples.length) / parts))
    let sum = 0
    for (let at = from; at < to; at += 1) sum += (samples[at] ?? 0) ** 2
    return Math.sqrt(sum / (to - from))
  })
  const loudest = Math.max(...values, 1e-4)
  return Uint8Array.from(values, (value) => Math.round((value / loudest) * 255))
}

export async function waveform(file: Blob): Promise<{ waveform: Uint8Array<ArrayBuffer>; durationMs: number }> {
  const context = new OfflineAudioContext(1, 1, 16_000)
  const sound = await context.decodeAudioData(await file.arrayBuffer()).catch(() => {
    throw new Unfit('malformedSound', 'this browser cannot hear the recording; send it as a document')
  })
  return { waveform: loudness(sound.getChannelData(0)), durationMs: Math.ceil(sound.duration * 1000) }
}

/** Milliseconds; 0: not known. */
export async function length(file: Blob): Promise<number> {
  const player = document.createElement('audio')
  const url = URL.createObjectURL(file)
  try {
    const known = new Promise<number>((resolve) => {
      player.onloadedmetadata = () => resolve(player.duration)
      player.onerror = () => resolve(0)
      setTimeout(() => resolve(0), 8_000)
    })
    player.preload = 'metadata'
    player.src = url
    const seconds = await known
    return Number.isFinite(seconds) ? Math.ceil(seconds * 1000) : 0
  } finally {
    player.removeAttribute('src')
    URL.revokeObjectURL(url)
  }
}
