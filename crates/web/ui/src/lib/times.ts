// Times, spans and sizes as people write them here.
import { currentLocale, number, t } from './text'

const DAY_MS = 86_400_000
/** As a time: never. The largest number below that of the interface which a script can say exactly. */
export const FOR_GOOD = 2 ** 64 - 2_048

/** What the interface says for "for good" is larger than any number that is exact here. */
export function isForGood(ms: number): boolean {
  return ms > Number.MAX_SAFE_INTEGER
}

const formats = new Map<string, Intl.DateTimeFormat>()

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = currentLocale() + JSON.stringify(options)
  let found = formats.get(key)
  if (!found) formats.set(key, (found = new Intl.DateTimeFormat(currentLocale(), options)))
  return found
}

/** `14:05` */
export function clock(ms: number): string {
  return format({ hour: 'numeric', minute: '2-digit' }).format(ms)
}

/** Days since 1970 in the user's time zone. */
export function dayNumber(ms: number): number {
  const date = new Date(ms)
  return Math.floor(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY_MS)
}

/** `Today`, `Yesterday`, a weekday within the last week, otherwise a date. */
export function day(ms: number, nowMs: number): string {
  const ago = dayNumber(nowMs) - dayNumber(ms)
  if (ago === 0) return t('today')
  if (ago === 1) return t('yesterday')
  if (ago > 1 && ago < 7) return format({ weekday: 'long' }).format(ms)
  const sameYear = new Date(ms).getFullYear() === new Date(nowMs).getFullYear()
  return format(sameYear ? { day: 'numeric', month: 'long' } : { day: 'numeric', month: 'long', year: 'numeric' }).format(ms)
}

/** For a list: the time of today, `Yesterday`, a weekday, or a short date. */
export function briefTime(ms: number, nowMs: number): string {
  const ago = dayNumber(nowMs) - dayNumber(ms)
  if (ago <= 0) return clock(ms)
  if (ago === 1) return t('yesterday')
  if (ago < 7) return format({ weekday: 'short' }).format(ms)
  return format({ day: '2-digit', month: '2-digit', year: '2-digit' }).format(ms)
}

/** Day and time in full. */
export function dateAndClock(ms: number): string {
  return format({ dateStyle: 'medium', timeStyle: 'short' }).format(ms)
}

/** `last seen 14:05`, with the day where it was not today. */
export function lastSeen(ms: number, nowMs: number): string {
  const ago = dayNumber(nowMs) - dayNumber(ms)
  if (ago === 0) return t('lastSeenToday', { time: clock(ms) })
  if (ago === 1) return t('lastSeenYesterday', { time: clock(ms) })
  return t('lastSeen', { time: format({ day: 'numeric', month: 'short' }).format(ms) })
}

const UNITS = [
  [604_800, 'spanWeeks'],
  [86_400, 'spanDays'],
  [3_600, 'spanHours'],
  [60, 'spanMinutes'],
  [1, 'spanSeconds'],
] as const

/** A span in its largest whole unit. */
export function span(seconds: number): string {
  const [length, key] = UNITS.find(([length]) => seconds >= length && seconds % length === 0) ?? UNITS[4]
  return t(key, { count: seconds / length })
}

/** `1:05`, `1:00:00` */
export function duration(ms: number): string {
  const whole = Math.floor(ms / 1000)
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (value: number) => String(value).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`
}

/** Bytes in a unit that fits them. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let at = 0
  let value = bytes
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000
    at += 1
  }
  const shown = at === 0 || value >= 100 ? Math.floor(value) : Math.floor(value * 10) / 10
  return `${number(shown)} ${units[at]}`
}
