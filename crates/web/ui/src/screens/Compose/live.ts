// Live places that this tab keeps up to date, for as long as it is open and they are meant to last.
import { core } from '../../state/core.svelte'

/** Between two words about where the user is. */
const STEP_MS = 20_000
/** How long a place may be kept up to date, in seconds. */
export const LIVE_S = [900, 3_600, 28_800] as const

/** Tells where the user is, as often as makes sense, in place of what the message says. */
export function keepLive(conversation: string, message: string, seconds: number): void {
  const ends = Date.now() + seconds * 1_000
  let told = Date.now()
  const end = () => navigator.geolocation.clearWatch(watch)
  const watch = navigator.geolocation.watchPosition(
    ({ coords }) => {
      const now = Date.now()
      if (now >= ends) return end()
      if (now - told < STEP_MS) return
      told = now
      const place = {
        latitudeE7: Math.round(coords.latitude * 1e7),
        longitudeE7: Math.round(coords.longitude * 1e7),
        accuracyM: Math.round(coords.accuracy),
        name: '',
        liveS: Math.ceil((ends - now) / 1_000),
      }
      core.send({ type: 'act', with: conversation, message, deed: { what: 'live', place } }).catch(end)
    },
    () => {},
    { enableHighAccuracy: true },
  )
  setTimeout(end, seconds * 1_000)
}
