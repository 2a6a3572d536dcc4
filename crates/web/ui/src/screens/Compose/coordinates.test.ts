import { expect, test } from 'vitest'

import { coordinates } from './coordinates'

test('coordinates are read as people copy them', () => {
  expect(coordinates('48.2082, -16.3738')).toEqual({ latitudeE7: 482_082_000, longitudeE7: -163_738_000 })
  expect(coordinates(' 0 0 ')).toEqual({ latitudeE7: 0, longitudeE7: 0 })
  for (const wrong of ['', '48', '91, 0', '0, 181', 'a, b', '48,2082, 16,3738']) expect(coordinates(wrong), wrong).toBeNull()
})
