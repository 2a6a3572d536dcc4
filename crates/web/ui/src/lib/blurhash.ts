// BlurHash (https://github.com/woltapp/blurhash, Algorithm.md): a few colours of a picture that is not here yet.

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~'

function number(text: string): number | undefined {
  let value = 0
  for (const digit of text) {
    const at = DIGITS.indexOf(digit)
    if (at < 0) return undefined
    value = value * 83 + at
  }
  return value
}

function toLinear(value: number): number {
  const v = value / 255
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
}

function toSrgb(value: number): number {
  const v = Math.min(1, Math.max(0, value))
  return Math.round((v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055) * 255)
}

type Colour = readonly [number, number, number]

/** The pixels, RGBA; `undefined`: this is no BlurHash. */
export function decode(hash: string, width: number, height: number): Uint8ClampedArray<ArrayBuffer> | undefined {
  const size = number(hash.slice(0, 1))
  const most = number(hash.slice(1, 2))
  if (size === undefined || most === undefined || hash.length < 6) return undefined
  const [across, down] = [(size % 9) + 1, Math.floor(size / 9) + 1]
  if (hash.length !== 4 + 2 * across * down) return undefined
  const colours: Colour[] = []
  for (let at = 0; at < across * down; at += 1) {
    const value = at === 0 ? number(hash.slice(2, 6)) : number(hash.slice(4 + at * 2, 6 + at * 2))
    if (value === undefined) return undefined
    colours.push(at === 0 ? average(value) : component(value, (most + 1) / 166))
  }
  const pixels = new Uint8ClampedArray(width * height * 4)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let [red, green, blue] = [0, 0, 0]
      for (let j = 0; j < down; j += 1) {
        const vertical = Math.cos((Math.PI * y * j) / height)
        for (let i = 0; i < across; i += 1) {
          const basis = Math.cos((Math.PI * x * i) / width) * vertical
          const [r, g, b] = colours[j * across + i] ?? [0, 0, 0]
          red += r * basis
          green += g * basis
          blue += b * basis
        }
      }
      pixels.set([toSrgb(red), toSrgb(green), toSrgb(blue), 255], (y * width + x) * 4)
    }
  }
  return pixels
}

function average(value: number): Colour {
  return [toLinear(value >> 16), toLinear((value >> 8) & 255), toLinear(value & 255)]
}

function component(value: number, most: number): Colour {
  const part = (quantum: number) => {
    const v = (quantum - 9) / 9
    return Math.sign(v) * v * v * most
  }
  return [part(Math.floor(value / 361)), part(Math.floor(value / 19) % 19), part(value % 19)]
}
