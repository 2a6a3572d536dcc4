// What is to be seen once.
import type { Message } from '../../../core/api'
import { t } from '../../../lib/text'
import { core } from '../../../state/core.svelte'
import { confirmed } from '../../../state/menus.svelte'
import { here } from '../../../state/place.svelte'
import { attempt } from '../../../state/toasts.svelte'

/** Shows it, for once. */
export async function openOnce(message: Message): Promise<void> {
  if (!(await confirmed({ title: t('onceTitle'), text: t('onceText'), yes: t('onceYes') }))) return
  const stop = core.on((event) => {
    if (event.type !== 'opened' || event.message !== message.id) return
    stop()
    here.over('once', { post: event.post, message: message.id })
  })
  if (!(await attempt(core.send({ type: 'open', message: message.id })))) stop()
}
