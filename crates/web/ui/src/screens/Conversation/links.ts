// Where names and addresses in messages lead.
import { people } from '../../state/people.svelte'
import { here } from '../../state/place.svelte'

/** Somebody who is named. */
export function openPerson(account: string): void {
  if (account !== people.own) here.open(account)
}

/** An invitation to a group. */
export function followLink(href: string): void {
  if (href.startsWith('waxwing-group:')) here.tryOver('joinGroup', { link: href })
}
