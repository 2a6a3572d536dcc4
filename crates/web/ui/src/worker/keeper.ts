// The database key as it is kept: its text is sealed under a key that the browser's key store has and does not give
// out, so that a copy of the browser's files opens nothing by itself.
const DATABASE = 'waxwing'
const STORE = 'keys'
const NAME = 'profile'

type Kept = { key: CryptoKey; iv: Uint8Array<ArrayBuffer>; sealed: ArrayBuffer }

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('the browser keeps nothing'))
  })
}

async function store<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const opening = indexedDB.open(DATABASE, 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE)
  const database = await done(opening)
  try {
    const transaction = database.transaction(STORE, mode, { durability: 'strict' })
    const result = await done(act(transaction.objectStore(STORE)))
    if (mode === 'readwrite') {
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve()
        transaction.onerror = transaction.onabort = () => reject(transaction.error)
        transaction.commit()
      })
    }
    return result
  } finally {
    database.close()
  }
}

/** The text of the key, if there is one. */
export async function kept(): Promise<string | undefined> {
  const found = (await store('readonly', (keys) => keys.get(NAME))) as Kept | undefined
  if (found === undefined) return undefined
  const text = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: found.iv }, found.key, found.sealed)
  return new TextDecoder().decode(text)
}

/** Keeps the text of a key, durably. */
export async function keep(text: string): Promise<void> {
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, new TextEncoder().encode(text))
  const value: Kept = { key, iv, sealed }
  await store('readwrite', (keys) => keys.put(value, NAME))
}

export async function forget(): Promise<void> {
  await store('readwrite', (keys) => keys.delete(NAME))
}
