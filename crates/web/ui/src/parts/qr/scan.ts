// Finds a QR code in pictures: with the browser's own detector where it has one, otherwise in JavaScript.

/** The part of the Barcode Detection API that is used; TypeScript does not know it yet. */
interface Detector {
  detect(image: ImageBitmapSource): Promise<{ rawValue: string }[]>
}
interface DetectorMaker {
  new (options: { formats: string[] }): Detector
  getSupportedFormats(): Promise<string[]>
}

/** Pictures are looked at no larger than this; it is enough for any code that fills a third of one. */
const MOST_PIXELS = 800

/** What a code in the picture says; `undefined`: there is none. */
export type Scan = (image: HTMLVideoElement | ImageBitmap) => Promise<string | undefined>

export async function scanner(): Promise<Scan> {
  const Own = 'BarcodeDetector' in window ? (window.BarcodeDetector as DetectorMaker) : undefined
  if (Own && (await Own.getSupportedFormats().catch((): string[] => [])).includes('qr_code')) {
    const detector = new Own({ formats: ['qr_code'] })
    return async (image) => (await detector.detect(image))[0]?.rawValue
  }
  const { decodeQR } = await import('qr/decode.js')
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d', { willReadFrequently: true })
  return async (image) => {
    const [width, height] = image instanceof HTMLVideoElement ? [image.videoWidth, image.videoHeight] : [image.width, image.height]
    const scale = Math.min(1, MOST_PIXELS / Math.max(width, height))
    canvas.width = Math.floor(width * scale)
    canvas.height = Math.floor(height * scale)
    if (!context || canvas.width === 0 || canvas.height === 0) return undefined
    context.drawImage(image, 0, 0, canvas.width, canvas.height)
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height)
    try {
      return decodeQR({ width: canvas.width, height: canvas.height, data })
    } catch {
      // That is how it says that there is no code.
      return undefined
    }
  }
}
