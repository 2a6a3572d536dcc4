import { expect, test } from 'vitest'

import { addedIn, addLink } from './addLink'

test('a username comes back from its link, and nothing from others', () => {
  expect(addedIn(addLink('https://chat.example', 'ann.b-c_1'))).toBe('ann.b-c_1')
  expect(addedIn('#add=bob')).toBe('bob')
  expect(addedIn('https://chat.example/#invite=x')).toBe('')
  expect(addedIn('#add=<b>')).toBe('')
  expect(addedIn('bob')).toBe('')
})
