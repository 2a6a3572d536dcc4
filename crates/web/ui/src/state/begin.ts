// Everything that follows what the core says, once it is open.
import { attention } from './activity.svelte'
import { chats } from './chats.svelte'
import { account } from './connection.svelte'
import { core } from './core.svelte'
import { files } from './files.svelte'
import { people } from './people.svelte'
import { settings } from './settings.svelte'
import { stars } from './stars.svelte'
import { updates } from './status.svelte'

export async function begin(): Promise<void> {
  await account.begin()
  settings.begin()
  people.begin()
  chats.begin()
  files.begin()
  stars.begin()
  attention.begin()
  updates.begin()
  await core.send({ type: 'fetchByRules', on: true })
  const { beginHabits } = await import('../habits/begin')
  beginHabits()
}
