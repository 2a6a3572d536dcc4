// What makes the program at home in a browser: keys, notifications, links by which people add each other. Loaded when
// the chats are there already.
import { addedIn } from '../lib/addLink'
import { load } from '../screens'
import { here } from '../state/place.svelte'
import { beginKeyboard } from './keyboard'
import { beginNotifying } from './notify.svelte'

function takeLink(): void {
  const username = addedIn(location.hash)
  if (username === '') return
  history.replaceState(history.state, '', location.pathname + location.search)
  here.start('newChat', { username })
}

export function beginHabits(): void {
  beginKeyboard()
  beginNotifying()
  takeLink()
  // Whoever opens the palette types on at once.
  void load('palette').catch(() => {})
  addEventListener('hashchange', takeLink)
}
