// A picture of a person or a group, cut out of another one and made as small as the protocol wants it.

/** An image file has at most so many bytes (protocol.md, profiles). */
const MOST_BYTES = 8 * 1024
/** Pixels of a side, the first that fits. */
const SIDES = [256, 192, 160, 128, 96, 64]
const QUALITIES = [0.85, 0.7, 0.55, 0.4]

/** Which square of the picture, in its pixels. */
export interface Cut {
  x: number
  y: number
  side: number
}

/** Base64; `undefined`: it does not become small enough, or the browser cannot write JPEG. */
export async function cutOut(image: CanvasImageSource, cut: Cut): Promise<string | undefined> {
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d')
  if (!context) return undefined
  for (const side of SIDES) {
    canvas.width = canvas.height = side
    context.imageSmoothingQuality = 'high'
    // Under what is transparent.
    context.fillStyle = '#fff'
    context.fillRect(0, 0, side, side)
    context.drawImage(image, cut.x, cut.y, cut.side, cut.side, 0, 0, side, side)
    for (const quality of QUALITIES) {
      const file = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality))
      if (file && file.size <= MOST_BYTES) return base64(new Uint8Array(await file.arrayBuffer()))
    }
  }
  return undefined
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}

/** The square that is seen: `zoom` 1 shows the shorter side whole; `x` and `y` are its middle, 0 to 1 of the picture. */
export function cutOf(width: number, height: number, zoom: number, x: number, y: number): Cut {
  const side = Math.min(width, height) / Math.max(1, zoom)
  const place = (middle: number, length: number) => Math.max(0, Math.min(middle * length - side / 2, length - side))
  return { x: place(x, width), y: place(y, height), side }
}
