// Changing a group.
import type { Group, GroupAction } from '../../core/api'
import { t } from '../../lib/text'
import { core } from '../../state/core.svelte'
import { confirmed, choose } from '../../state/menus.svelte'
import { people } from '../../state/people.svelte'
import { attempt, toasts } from '../../state/toasts.svelte'

export function change(group: Group, actions: GroupAction[]): Promise<boolean> {
  return attempt(core.send({ type: 'changeGroup', group: group.group, actions }))
}

/** May change name, description and picture. */
export function mayEdit(group: Group): boolean {
  return group.member && (group.admin || group.permissions.edit === 'everybody')
}

/** May bring others in. */
export function mayAdd(group: Group): boolean {
  return group.member && (group.admin || group.permissions.add === 'everybody')
}

/** Asks first. Whether the user is out of it. */
export async function leave(group: Group): Promise<boolean> {
  const sure = await confirmed({
    title: t('leaveTitle', { name: group.name }),
    text: t('leaveText'),
    yes: t('leave'),
    danger: true,
  })
  return sure && (await change(group, [{ what: 'remove', account: people.own }]))
}

/** Whose pleas to join were just answered is said, since the list changes only when the server has it. */
export async function answer(group: Group, account: string, accept: boolean): Promise<void> {
  if (await attempt(core.send({ type: 'answerJoin', group: group.group, account, accept }))) {
    toasts.say(t(accept ? 'joinAccepted' : 'joinDeclined', { name: people.name(account) }))
  }
}

export async function shareHistory(group: Group, account: string): Promise<void> {
  const count = await choose({
    title: t('shareHistoryTitle', { name: people.name(account) }),
    text: t('shareHistoryText'),
    yes: '',
    choices: ['25', '50', '100'].map((value) => ({ value, label: t('messageCount', { count: Number(value) }) })),
  })
  if (count === null) return
  const messages = Number(count)
  if (await attempt(core.send({ type: 'shareHistory', group: group.group, account, messages }))) {
    toasts.say(t('historyShared', { name: people.name(account) }))
  }
}
