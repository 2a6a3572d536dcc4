import { expect, test } from 'vitest'

import { invitationIn, invitationOf, serverAddress } from './server'

test('invitations come as codes and in links', () => {
  expect(invitationOf('#invite=ab-c_1')).toBe('ab-c_1')
  expect(invitationOf('#other=1')).toBe('')
  expect(invitationIn(' https://chat.example/#invite=abc ')).toBe('abc')
  expect(invitationIn('abc')).toBe('abc')
})

test('the server is the page’s own', () => {
  const at = (href: string) => serverAddress(new URL(href) as unknown as Location)
  expect(at('https://chat.example/x')).toBe('wss://chat.example')
  expect(at('http://127.0.0.1:7667/')).toBe('ws://127.0.0.1:7667')
})
