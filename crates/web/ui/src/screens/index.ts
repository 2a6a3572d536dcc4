// Every screen that is opened by its name, loaded when it is. Each has a folder of its own. One line each, by name.
import type { Component } from 'svelte'

// What a screen is given is its own affair.
type Screen = { default: Component<any> }

export const SCREENS = {
  archived: () => import('./Chats/Archived.svelte'),
  newChat: () => import('./NewChat/NewChat.svelte'),
  requests: () => import('./Chats/Requests.svelte'),
} satisfies Record<string, () => Promise<Screen>>

export type ScreenName = keyof typeof SCREENS

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
