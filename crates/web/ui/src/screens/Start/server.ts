// The server is whoever has served this page.

/** Its address as the core takes it. */
export function serverAddress(at: Location): string {
  return `${at.protocol === 'https:' ? 'wss' : 'ws'}://${at.host}`
}

/** The invitation with which the page was opened: `#invite=CODE`. */
export function invitationOf(hash: string): string {
  return new URLSearchParams(hash.replace(/^#/, '')).get('invite') ?? ''
}

/** What somebody has pasted: a code, or the link in which it is. */
export function invitationIn(typed: string): string {
  const text = typed.trim()
  const at = text.indexOf('#')
  return (at >= 0 && invitationOf(text.slice(at))) || text
}
