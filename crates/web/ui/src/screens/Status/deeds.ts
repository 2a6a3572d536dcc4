// What can be done about what people show.
import type { StatusUpdates } from '../../core/api'
import { core } from '../../state/core.svelte'
import { updates } from '../../state/status.svelte'
import { attempt } from '../../state/toasts.svelte'

/** Two hundred years: whatever is shown is long gone. */
const LONG_MS = 200 * 365 * 86_400_000

export async function toggleMute(one: StatusUpdates): Promise<void> {
  const value = one.mutedUntilMs > Date.now() ? 0 : Date.now() + LONG_MS
  await attempt(core.send({ type: 'setChat', conversation: one.conversation, change: { what: 'mutedUntilMs', value } }))
  updates.refresh()
}
