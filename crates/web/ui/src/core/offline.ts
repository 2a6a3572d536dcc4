// The app itself stays in the browser (the service worker of crates/web/tools/sw.js), so that it begins without a network.
import { script } from './trusted'

/** If a newer app has come, it takes over now, before anything has begun: the page is loaded again. */
export async function takeNewest(): Promise<boolean> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return false
  const { serviceWorker } = navigator
  const waiting = (await serviceWorker.getRegistration('/').catch(() => undefined))?.waiting
  if (!waiting) return false
  serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true })
  waiting.postMessage('take over')
  return true
}

/** Keeps the app. What may go wrong with it (a private window, no room) concerns nothing else. */
export function keepApp() {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  navigator.serviceWorker.register(script('/sw.js')).catch(() => {})
}
