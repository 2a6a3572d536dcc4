import { expect, test } from 'vitest'

import cargo from '../../../../../Cargo.toml?raw'
import { version } from '../../package.json'

test('what is shown as the version is the version of the whole program', () => {
  expect(/^version = "(.*)"/m.exec(cargo)?.[1]).toBe(version)
})
