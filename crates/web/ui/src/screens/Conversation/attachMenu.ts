// What can be sent beside a text.
import { t } from '../../lib/text'
import type { MenuItem } from '../../state/menus.svelte'
import { here } from '../../state/place.svelte'
import type { Talk } from './talk.svelte'

interface Once {
  once: boolean
  set: (once: boolean) => void
}

/** `pick`: lets the user choose files, from within their click. */
export function attachMenu(conversation: string, talk: Talk, pick: () => void, { once, set }: Once): MenuItem[] {
  return [
    { icon: 'image', label: t('photosFiles'), run: pick },
    { icon: 'file', label: t('asDocument'), run: () => pickAs(talk) },
    { icon: 'poll', label: t('poll'), run: () => here.over('newPoll', { conversation }) },
    { icon: 'calendar', label: t('event'), run: () => here.over('newEvent', { conversation }) },
    { icon: 'place', label: t('place'), run: () => here.over('sendPlace', { conversation }) },
    { icon: 'person', label: t('contact'), run: () => here.over('sendContact', { conversation }) },
    { icon: 'once', label: t('bodyOnce'), checked: once, run: () => set(!once) },
  ]
}

function pickAs(talk: Talk): void {
  const input = document.createElement('input')
  input.type = 'file'
  input.multiple = true
  input.addEventListener('change', () => talk.attach(input.files ?? [], 'document'))
  input.click()
}
