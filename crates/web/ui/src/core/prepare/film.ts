// One picture of a film. What it says of itself the core reads, and takes out where and when it was made.
import type { Given } from '../../worker/messages'
import { looks } from './prepare'

/** A film that a browser cannot show gets none. */
export async function poster(file: Blob): Promise<Pick<Given, 'pixels' | 'thumbnail'>> {
  const nothing = { pixels: new Uint8Array(), thumbnail: new Uint8Array() }
  const film = document.createElement('video')
  const url = URL.createObjectURL(file)
  try {
    film.muted = true
    film.preload = 'auto'
    film.src = url
    const ready = new Promise<boolean>((resolve) => {
      film.onloadeddata = () => (film.currentTime = Math.min(0.5, (film.duration || 1) / 2))
      film.onseeked = () => resolve(true)
      film.onerror = () => resolve(false)
      setTimeout(() => resolve(false), 8_000)
    })
    if (!(await ready) || film.videoWidth === 0) return nothing
    const picture = await createImageBitmap(film)
    const seen = await looks(picture)
    picture.close()
    return seen
  } catch {
    return nothing
  } finally {
    film.removeAttribute('src')
    URL.revokeObjectURL(url)
  }
}
