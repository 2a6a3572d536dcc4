// Who may know what: in words, and what can be chosen for each.
import type { Audience, Privacy, PrivacySetting } from '../../core/api'
import type { IconName } from '../../parts/icons'
import { t, type Key } from '../../lib/text'

export type Who = Audience['who']

export interface Kind {
  setting: Exclude<PrivacySetting, 'receipts'>
  icon: IconName
  title: Key
  text: Key
  who: readonly Who[]
}

const USUAL: readonly Who[] = ['everyone', 'contacts', 'contactsExcept', 'nobody']

/** In the order in which they are shown. Read receipts are a switch. */
export const KINDS: readonly Kind[] = [
  { setting: 'lastSeen', icon: 'clock', title: 'privacyLastSeen', text: 'privacyLastSeenText', who: USUAL },
  { setting: 'online', icon: 'person', title: 'privacyOnline', text: 'privacyOnlineText', who: ['everyone', 'likeLastSeen'] },
  { setting: 'picture', icon: 'image', title: 'privacyPicture', text: 'privacyPictureText', who: USUAL },
  { setting: 'about', icon: 'info', title: 'privacyAbout', text: 'privacyAboutText', who: USUAL },
  { setting: 'status', icon: 'status', title: 'privacyStatus', text: 'privacyStatusText', who: ['contacts', 'contactsExcept', 'only'] },
  { setting: 'groups', icon: 'group', title: 'privacyGroups', text: 'privacyGroupsText', who: USUAL },
]

const WHO: Record<Who, Key> = {
  everyone: 'whoEveryone',
  contacts: 'whoContacts',
  contactsExcept: 'whoContactsExcept',
  nobody: 'whoNobody',
  likeLastSeen: 'whoLikeLastSeen',
  only: 'whoOnly',
}

export function whoText(who: Who): string {
  return t(WHO[who])
}

export function audienceText(audience: Audience): string {
  if (audience.who === 'contactsExcept') return t('whoContactsExceptCount', { count: audience.accounts.length })
  if (audience.who === 'only') return t('whoOnlyCount', { count: audience.accounts.length })
  return whoText(audience.who)
}

export function audienceOf(privacy: Privacy, kind: Kind): Audience {
  return privacy[kind.setting] ?? { who: 'contacts' }
}
