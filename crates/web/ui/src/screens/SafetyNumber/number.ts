// Safety numbers: 60 digits, the same for both sides.
const PREFIX = 'waxwing-safety:'
const NUMBER = /^\d{60}$/

/** What a code holds that shows a number. */
export function codeOfNumber(number: string): string {
  return PREFIX + number
}

/** The digits in groups of five, to be read aloud. */
export function fives(number: string): string[] {
  return number.match(/\d{1,5}/g) ?? []
}

/** Whether what was scanned or typed is this number, another one, or none. */
export function compareCode(content: string, number: string): 'same' | 'different' | 'none' {
  const digits = content.replace(PREFIX, '').replace(/\s+/g, '')
  if (!NUMBER.test(digits)) return 'none'
  return digits === number ? 'same' : 'different'
}
