import { expect, test } from 'vitest'

import { cutOf } from './crop'

test('the square stays within the picture', () => {
  expect(cutOf(400, 200, 1, 0.5, 0.5)).toEqual({ x: 100, y: 0, side: 200 })
  expect(cutOf(400, 200, 1, 0, 1)).toEqual({ x: 0, y: 0, side: 200 })
  expect(cutOf(400, 200, 2, 1, 1)).toEqual({ x: 300, y: 100, side: 100 })
  expect(cutOf(400, 200, 0.1, 0.5, 0.5).side).toBe(200)
})
