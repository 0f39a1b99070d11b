import type { TimestampUnit } from './values.ts'

/** Microseconds, which is as fine as PostgreSQL counts. */
const PER_SECOND = 1_000_000n
const PER_DAY = 86_400n * PER_SECOND

/** What a date of JavaScript is in PostgreSQL, in UTC; undefined for an invalid one. */
export function isoText(date: Date): string | undefined {
  const ms = date.getTime()
  if (Number.isNaN(ms)) return undefined
  // The form of these years is the same in both.
  if (ms >= YEAR_1 && ms < YEAR_10000) return date.toISOString()
  return microsText(BigInt(ms) * 1000n)
}

const YEAR_1 = Date.parse('0001-01-01T00:00:00Z')
const YEAR_10000 = 253_402_300_800_000

/** A time since 1970 as text in UTC; undefined for what is no number. Half a microsecond is rounded. */
export function epochText(value: number | bigint, unit: TimestampUnit): string | undefined {
  if (typeof value === 'bigint') return microsText(micros(value, unit))
  if (!Number.isFinite(value)) return undefined
  if (unit === 'ms' && Number.isSafeInteger(value)) {
    if (value >= YEAR_1 && value < YEAR_10000) return new Date(value).toISOString()
  }
  const factor = { s: 1e6, ms: 1e3, us: 1, ns: 1e-3 }[unit]
  const whole = Number.isInteger(value) ? micros(BigInt(value), unit) : BigInt(Math.round(value * factor))
  return microsText(whole)
}

function micros(value: bigint, unit: TimestampUnit): bigint {
  if (unit === 'ns') return value / 1000n
  return value * { s: PER_SECOND, ms: 1000n, us: 1n }[unit]
}

/** `2026-01-31T12:00:00.000001Z`, with BC for years before 1, as PostgreSQL reads them. */
function microsText(value: bigint): string {
  const days = floorDiv(value, PER_DAY)
  const rest = value - days * PER_DAY
  const { year, month, day } = civil(days)
  const seconds = rest / PER_SECOND
  const two = (n: bigint) => String(n).padStart(2, '0')
  const time = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`
  const fraction = String(rest % PER_SECOND).padStart(6, '0')
  const [shown, era] = year > 0n ? [year, ''] : [1n - year, ' BC']
  return `${String(shown).padStart(4, '0')}-${two(month)}-${two(day)} ${time}.${fraction}+00${era}`
}

/** The Gregorian date of a day counted from 1970-01-01, by eras of 400 years that begin on the first of March. */
function civil(days: bigint): { year: bigint; month: bigint; day: bigint } {
  const shifted = days + 719_468n
  const era = floorDiv(shifted, 146_097n)
  const dayOfEra = shifted - era * 146_097n
  const yearOfEra = (dayOfEra - dayOfEra / 1460n + dayOfEra / 36_524n - dayOfEra / 146_096n) / 365n
  const dayOfYear = dayOfEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n)
  const shiftedMonth = (5n * dayOfYear + 2n) / 153n
  const month = shiftedMonth < 10n ? shiftedMonth + 3n : shiftedMonth - 9n
  return {
    year: yearOfEra + era * 400n + (month <= 2n ? 1n : 0n),
    month,
    day: dayOfYear - (153n * shiftedMonth + 2n) / 5n + 1n,
  }
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b < 0n ? quotient - 1n : quotient
}
