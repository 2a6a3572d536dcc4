// Links by which people add each other: the address of a server's page and a username behind `#add=`, which no server
// is told.

export function addLink(origin: string, username: string): string {
  return `${origin}/#add=${encodeURIComponent(username)}`
}

/** The username in such a link, or in the part of the page's address behind `#`; empty: it is none. */
export function addedIn(link: string): string {
  const at = link.indexOf('#')
  const username = at < 0 ? '' : (new URLSearchParams(link.slice(at + 1)).get('add') ?? '')
  return /^[a-z0-9._-]{1,64}$/.test(username) ? username : ''
}
