// Where the menu above the chat list leads.
import { t } from '../../lib/text'
import type { MenuItem } from '../../state/menus.svelte'
import { here } from '../../state/place.svelte'

export function mainMenu(): MenuItem[] {
  return [
    { icon: 'star', label: t('starred'), run: () => here.start('starred') },
    { icon: 'archive', label: t('archived'), run: () => here.start('archived') },
    { icon: 'keyboard', label: t('shortcuts'), run: () => here.over('help') },
    { icon: 'settings', label: t('settings'), run: () => here.start('settings') },
  ]
}
