// Where the menu above the chat list leads.
import { t } from '../../lib/text'
import type { MenuItem } from '../../state/menus.svelte'
import { here } from '../../state/place.svelte'

export function mainMenu(): MenuItem[] {
  return [{ icon: 'archive', label: t('archived'), run: () => here.start('archived') }]
}
