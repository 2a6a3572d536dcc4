// Keeps the app itself in the browser, so that it begins without a network. Messages are not its affair: they lie in
// the core's database, and come over a WebSocket, which does not pass here.
//
// `pack.mjs` writes two constants in front: FILES, every path of this build, and VERSION, a hash of what is in them.
/* global FILES, VERSION */

const CACHE = `app ${VERSION}`;
/** This build, and the one before: a tab that has it open may still want parts of it. */
const KEPT_CACHES = 2;

self.addEventListener('install', (event) => event.waitUntil(keep()));
self.addEventListener('activate', (event) => event.waitUntil(tidy().then(() => self.clients.claim())));
self.addEventListener('message', (event) => {
  if (event.data === 'take over') event.waitUntil(self.skipWaiting());
});
self.addEventListener('fetch', (event) => {
  const { origin, pathname } = new URL(event.request.url);
  const ours = pathname.startsWith('/assets/') || FILES.includes(pathname);
  if (event.request.method === 'GET' && origin === self.location.origin && ours) {
    event.respondWith(answer(event.request, pathname));
  }
});

async function keep() {
  const cache = await caches.open(CACHE);
  const kept = FILES.map(async (path) => {
    // What is named by its content has most likely come already; of the rest the newest is wanted.
    const answer = await fetch(path, { cache: path.startsWith('/assets/') ? 'default' : 'no-cache' });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    await cache.put(path, answer);
  });
  await Promise.all(kept);
}

async function tidy() {
  const others = (await caches.keys()).filter((name) => name !== CACHE);
  const gone = others.slice(0, Math.max(0, others.length - (KEPT_CACHES - 1)));
  await Promise.all(gone.map((name) => caches.delete(name)));
}

async function answer(request, path) {
  const own = await caches.open(CACHE);
  const options = { ignoreVary: true };
  return (await own.match(path, options)) ?? (await caches.match(path, options)) ?? fetch(request);
}
