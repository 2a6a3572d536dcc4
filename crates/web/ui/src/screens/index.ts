// Every screen that is opened by its name, loaded when it is. Each has a folder of its own. One line each, by name.
import type { Component } from 'svelte'

// What a screen is given is its own affair.
type Screen = { default: Component<any> }

export const SCREENS = {
  about: () => import('./Settings/About.svelte'),
  addMe: () => import('./Settings/AddMe.svelte'),
  addressBook: () => import('./AddressBook/AddressBook.svelte'),
  appearance: () => import('./Settings/Appearance.svelte'),
  archived: () => import('./Chats/Archived.svelte'),
  audience: () => import('./Settings/Audience.svelte'),
  blocked: () => import('./Settings/Blocked.svelte'),
  contactInfo: () => import('./ContactInfo/ContactInfo.svelte'),
  devices: () => import('./Settings/Devices.svelte'),
  exportChat: () => import('./Export/Export.svelte'),
  findable: () => import('./Settings/Findable.svelte'),
  forward: () => import('./Forward/Forward.svelte'),
  groupInfo: () => import('./GroupInfo/GroupInfo.svelte'),
  help: () => import('./Help/Help.svelte'),
  joinGroup: () => import('./JoinGroup/JoinGroup.svelte'),
  language: () => import('./Settings/Language.svelte'),
  lifetime: () => import('./Settings/Lifetime.svelte'),
  lightbox: () => import('./Lightbox/Lightbox.svelte'),
  linkDevice: () => import('./Settings/LinkDevice.svelte'),
  lists: () => import('./Lists/Lists.svelte'),
  messageInfo: () => import('./MessageInfo/MessageInfo.svelte'),
  newChat: () => import('./NewChat/NewChat.svelte'),
  newEvent: () => import('./Compose/NewEvent.svelte'),
  newGroup: () => import('./NewGroup/NewGroup.svelte'),
  newPoll: () => import('./Compose/NewPoll.svelte'),
  notifications: () => import('./Settings/Notifications.svelte'),
  once: () => import('./Once/Once.svelte'),
  palette: () => import('./Palette/Palette.svelte'),
  passphrase: () => import('./Settings/Passphrase.svelte'),
  privacy: () => import('./Settings/Privacy.svelte'),
  profile: () => import('./Settings/Profile.svelte'),
  react: () => import('./React/React.svelte'),
  requests: () => import('./Chats/Requests.svelte'),
  safetyNumber: () => import('./SafetyNumber/SafetyNumber.svelte'),
  searchChat: () => import('./Search/SearchChat.svelte'),
  sendContact: () => import('./Compose/SendContact.svelte'),
  sendPlace: () => import('./Compose/SendPlace.svelte'),
  settings: () => import('./Settings/Settings.svelte'),
  sharedFiles: () => import('./SharedFiles/SharedFiles.svelte'),
  shortcuts: () => import('./Settings/Shortcuts.svelte'),
  starred: () => import('./Starred/Starred.svelte'),
  status: () => import('./Status/StatusList.svelte'),
  statusViewer: () => import('./Status/StatusViewer.svelte'),
  storage: () => import('./Settings/Storage.svelte'),
  storedFiles: () => import('./Settings/StoredFiles.svelte'),
} satisfies Record<string, () => Promise<Screen>>

export type ScreenName = keyof typeof SCREENS

/** The screen of this name, if there is one. */
export function named(name: string): ScreenName | undefined {
  return Object.hasOwn(SCREENS, name) ? (name as ScreenName) : undefined
}

const loaded = new Map<ScreenName, Screen['default']>()

/** A screen that is here already, so that it is shown without waiting. */
export function ready(name: ScreenName): Screen['default'] | undefined {
  return loaded.get(name)
}

export async function load(name: ScreenName): Promise<Screen['default']> {
  const { default: screen } = await SCREENS[name]()
  loaded.set(name, screen)
  return screen
}
