import { describe, expect, test } from 'vitest'

import { comboOf, isPlain, parseBindings, printBindings, shown, type Pressed } from './keys'

function press(key: string, more: Partial<Pressed> & { graph?: boolean } = {}): Pressed {
  const none = { code: '', ctrlKey: false, metaKey: false, altKey: false, shiftKey: false }
  return { key, ...none, ...more, getModifierState: (name) => name === 'AltGraph' && more.graph === true }
}

describe('what was pressed', () => {
  test('is named the same however it is pressed', () => {
    expect(comboOf(press('r', { ctrlKey: true }), false)).toBe('Mod+R')
    expect(comboOf(press('R', { ctrlKey: true, shiftKey: true }), false)).toBe('Mod+Shift+R')
    expect(comboOf(press('r', { metaKey: true }), true)).toBe('Mod+R')
    expect(comboOf(press('ArrowUp', { altKey: true, shiftKey: true }), false)).toBe('Alt+Shift+Up')
    // Where `?` and `/` need Shift, and where they do not.
    expect(comboOf(press('?', { shiftKey: true }), false)).toBe('?')
    expect(comboOf(press('/', { ctrlKey: true, shiftKey: true, code: 'Digit7' }), false)).toBe('Mod+/')
  })

  test('is found on keyboards of other scripts, and behind what Alt makes of a key', () => {
    expect(comboOf(press('ق', { ctrlKey: true, code: 'KeyR' }), false)).toBe('Mod+R')
    expect(comboOf(press('˜', { metaKey: true, altKey: true, code: 'KeyN' }), true)).toBe('Mod+Alt+N')
    expect(comboOf(press('÷', { metaKey: true, altKey: true, code: 'Slash' }), true)).toBe('Mod+Alt+/')
  })

  test('is nothing where AltGr types a character', () => {
    expect(comboOf(press('€', { ctrlKey: true, altKey: true, code: 'KeyE', graph: true }), false)).toBe('')
    expect(comboOf(press('n', { ctrlKey: true, altKey: true, code: 'KeyN', graph: true }), false)).toBe('Mod+Alt+N')
    expect(comboOf(press('Control', { ctrlKey: true }), false)).toBe('')
  })
})

test('text and what moves in it is plain', () => {
  expect(['?', 'Shift+Up', 'Escape'].every(isPlain)).toBe(true)
  expect(['Mod+K', 'Alt+Up', 'F2', 'Shift+F10'].some(isPlain)).toBe(false)
})

test('keys are named as on the keyboard', () => {
  expect(shown('Mod+Shift+R', { Mod: 'Strg', Shift: '⇧' })).toEqual(['Strg', '⇧', 'R'])
  expect(shown('Mod++', { Mod: 'Ctrl' })).toEqual(['Ctrl', '+'])
  expect(shown('?', {})).toEqual(['?'])
})

test('what is set comes back, and what is broken is passed over', () => {
  const bindings = new Map([['reply', ['Mod+R', 'F2']]])
  expect(parseBindings(printBindings(bindings))).toEqual(bindings)
  expect(printBindings(new Map())).toBe('')
  expect(parseBindings('{"a":["X",1],"b":2}')).toEqual(new Map([['a', ['X']]]))
  for (const broken of ['', '{', 'null', '[]', '7']) expect(parseBindings(broken).size).toBe(0)
})
