import { expect, test } from 'vitest'

import { matches } from './matching'

test('beginnings of words are enough', () => {
  expect(matches('zo mu', ['Zoë Müller', 'zoe'])).toBe(true)
  expect(matches('@zoe', [null, 'zoe', undefined])).toBe(true)
  expect(matches('ller', ['Zoë Müller'])).toBe(false)
  expect(matches('', [])).toBe(true)
})
