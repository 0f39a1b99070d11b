import { kindOf, Mismatch } from './mismatch.ts'

/**
 * Dates and times as text, where a Date cannot hold them: ISO 8601, with as many digits of a second as the type has.
 * `digits`: 3 for milliseconds, 6 for microseconds, 9 for nanoseconds.
 */
const DAY_MS = 86_400_000
const LAST_DAY = 100_000_000

/** `2024-02-29` for days since 1970; undefined beyond the years that a calendar here knows. */
export function dateText(days: number): string | undefined {
  if (Math.abs(days) > LAST_DAY) return undefined
  const text = new Date(days * DAY_MS).toISOString()
  return text.slice(0, text.indexOf('T'))
}

/** Days since 1970 of a text, a Date, or a number of days. */
export function parseDate(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Date && !Number.isNaN(value.getTime())) return Math.floor(value.getTime() / DAY_MS)
  if (typeof value !== 'string') throw new Mismatch(`expected a date, got ${kindOf(value)}`)
  const ms = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\d$/.test(value) ? Date.parse(value) : Number.NaN
  // Date.parse takes the 31st of February for a day in March.
  if (Number.isNaN(ms) || dateText(ms / DAY_MS) !== value) throw new Mismatch('expected a date such as 2024-02-29')
  return ms / DAY_MS
}

/** `23:59:58.123456` for units since midnight. */
export function timeText(units: bigint, digits: number): string {
  const perSecond = 10n ** BigInt(digits)
  const seconds = Number(units / perSecond)
  const two = (part: number) => String(part).padStart(2, '0')
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return `${clock}.${String(units % perSecond).padStart(digits, '0')}`
}

/** Units since midnight of a text, or of a number of units. */
export function parseTime(value: unknown, digits: number): bigint {
  const units = wholeNumber(value)
  if (units !== undefined) return units
  if (typeof value !== 'string') throw new Mismatch(`expected a time, got ${kindOf(value)}`)
  const [, hours, minutes, seconds = '0', part = ''] = /^(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?$/.exec(value) ?? []
  const whole = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) {
    throw new Mismatch('expected a time such as 23:59:58.123')
  }
  return BigInt(whole) * 10n ** BigInt(digits) + fraction(part, digits)
}

/** `2024-02-29T23:59:58.123456` for units since 1970, with `Z` for an instant; undefined beyond the calendar. */
export function timestampText(units: bigint, digits: number, zone: 'Z' | ''): string | undefined {
  const perSecond = 10n ** BigInt(digits)
  const part = ((units % perSecond) + perSecond) % perSecond
  const date = new Date(Number((units - part) / perSecond) * 1000)
  if (Number.isNaN(date.getTime())) return undefined
  return `${date.toISOString().slice(0, -5)}.${String(part).padStart(digits, '0')}${zone}`
}

/** Units since 1970 of a text, a Date, or a number of units. An instant's text says its zone, a local time's does not. */
export function parseTimestamp(value: unknown, digits: number, zone: 'Z' | ''): bigint {
  const units = wholeNumber(value)
  if (units !== undefined) return units
  if (value instanceof Date && !Number.isNaN(value.getTime())) {
    return BigInt(value.getTime()) * 10n ** BigInt(digits - 3)
  }
  if (typeof value !== 'string') throw new Mismatch(`expected a timestamp, got ${kindOf(value)}`)
  const [, day, minute, second = ':00', part = '', offset = ''] =
    /^([+-]?\d{4,6}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)?$/.exec(value) ?? []
  if (day === undefined || (offset === '') !== (zone === '')) {
    throw new Mismatch(`expected a timestamp such as 2024-02-29T23:59:58.123${zone}`)
  }
  parseDate(day)
  const ms = Date.parse(`${day}T${minute}${second}${offset || 'Z'}`)
  if (Number.isNaN(ms)) throw new Mismatch(`expected a timestamp such as 2024-02-29T23:59:58.123${zone}`)
  return BigInt(ms / 1000) * 10n ** BigInt(digits) + fraction(part, digits)
}

/** A Date, or undefined where none can hold it. */
export function dateOf(ms: bigint): Date | undefined {
  const date = new Date(Number(ms))
  return Number.isNaN(date.getTime()) ? undefined : date
}

function wholeNumber(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined
}

function fraction(part: string, digits: number): bigint {
  if (/[1-9]/.test(part.slice(digits))) throw new Mismatch(`has more than ${digits} digits of a second`)
  return BigInt(part.slice(0, digits).padEnd(digits, '0'))
}
