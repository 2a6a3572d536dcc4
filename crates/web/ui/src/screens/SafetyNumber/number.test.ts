import { expect, test } from 'vitest'

import { codeOfNumber, compareCode, fives } from './number'

const NUMBER = '012345678901234567890123456789012345678901234567890123456789'

test('a code is known again, and no other one', () => {
  expect(compareCode(codeOfNumber(NUMBER), NUMBER)).toBe('same')
  expect(compareCode(fives(NUMBER).join(' '), NUMBER)).toBe('same')
  expect(compareCode(codeOfNumber(NUMBER.replace('0', '1')), NUMBER)).toBe('different')
  for (const other of ['', NUMBER.slice(1), `${NUMBER}0`, 'waxwing-group:abc', 'https://example.org/']) {
    expect(compareCode(other, NUMBER)).toBe('none')
  }
})

test('digits are read in groups of five', () => {
  expect(fives(NUMBER)).toHaveLength(12)
  expect(fives(NUMBER).join('')).toBe(NUMBER)
})
