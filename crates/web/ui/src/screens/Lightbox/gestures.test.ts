import { expect, test } from 'vitest'

import { settled } from './gestures'

test('an enlarged picture leaves no gap at the edges', () => {
  expect(settled({ x: 500, y: -30 }, 2, 400, 300)).toEqual({ x: 200, y: -30 })
  expect(settled({ x: -9, y: 9 }, 1, 400, 300)).toEqual({ x: 0, y: 0 })
})
