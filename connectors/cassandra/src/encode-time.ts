import { wholeNumber } from './encode-number.ts'
import { Mismatch, shown } from './mismatch.ts'
import { zigzagVint } from './vint.ts'

const DAY_MS = 86_400_000
const INSTANT = /^[+-]?\d{4,6}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?\s?(?:Z|[+-]\d\d:?\d\d)?)?$/

/** Milliseconds since 1970, of a Date, a number of milliseconds, or an ISO 8601 text; UTC where it names no zone. */
export function timestampOf(value: unknown): bigint {
  const ms = instant(value)
  if (ms === undefined)
    throw new Mismatch(
      `timestamp takes a date, milliseconds since 1970 or a text such as "2024-02-29T23:59:58Z", got ${shown(value)}`,
    )
  return ms
}

function instant(value: unknown): bigint | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : BigInt(value.getTime())
  const whole = wholeNumber(value)
  if (whole !== undefined) return BigInt.asIntN(64, whole) === whole ? whole : undefined
  if (typeof value !== 'string' || !INSTANT.test(value)) return undefined
  // Date takes milliseconds, and a time without a zone for the machine's own.
  const [day = '', rest = ''] = value.split(/[T ](.*)/s)
  const zone = /Z|[+-]\d\d:?\d\d$/.exec(rest)?.[0] ?? 'Z'
  const clock = rest.replace(/\s?(?:Z|[+-]\d\d:?\d\d)$/, '').replace(/[.,](\d{1,3})\d*$/, '.$1')
  const ms = Date.parse(`${day}T${clock === '' ? '00:00' : clock}${zone === 'Z' ? zone : colon(zone)}`)
  return Number.isNaN(ms) || !isDay(day) ? undefined : BigInt(ms)
}

const colon = (zone: string): string => (zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`)

/**
 * Days since 1970, of a Date, a text such as `2024-02-29`, or a number of days; less 2^31, as the protocol puts 1970
 * into the middle of what four bytes can say without a sign.
 */
export function dateOf(value: unknown): number {
  const days = day(value)
  if (days === undefined || days < -(2 ** 31) || days >= 2 ** 31)
    throw new Mismatch(`date takes a text such as "2024-02-29", a date or days since 1970, got ${shown(value)}`)
  return days - 2 ** 31
}

function day(value: unknown): number | undefined {
  if (typeof value === 'number' && Number.isInteger(value)) return value
  if (value instanceof Date && !Number.isNaN(value.getTime())) return Math.floor(value.getTime() / DAY_MS)
  if (typeof value !== 'string' || !/^[+-]?\d{4,6}-\d\d-\d\d$/.test(value) || !isDay(value)) return undefined
  return Date.parse(value) / DAY_MS
}

/** Date.parse takes the 31st of February for a day in March. */
function isDay(text: string): boolean {
  const ms = Date.parse(text)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text)
}

/** Nanoseconds since midnight, of a text such as `23:59:58.123456789` or a number of nanoseconds. */
export function timeOf(value: unknown): bigint {
  const nanos = wholeNumber(value) ?? clock(value)
  if (nanos === undefined || nanos < 0n || nanos >= 86_400_000_000_000n)
    throw new Mismatch(`time takes a text such as "23:59:58.123" or nanoseconds since midnight, got ${shown(value)}`)
  return nanos
}

function clock(value: unknown): bigint | undefined {
  const match = typeof value === 'string' ? /^(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?$/.exec(value) : null
  if (!match) return undefined
  const [, hours, minutes, seconds = '0', fraction = ''] = match
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined
  const whole = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
}

interface Span {
  readonly months: bigint
  readonly days: bigint
  readonly nanos: bigint
}

const NANOS = {
  h: 3_600_000_000_000n,
  m: 60_000_000_000n,
  s: 1_000_000_000n,
  ms: 1_000_000n,
  us: 1000n,
  µs: 1000n,
  ns: 1n,
}
const CQL_SPAN = /^(-?)((?:\d+(?:y|mo|w|d|h|ms|us|µs|ns|m|s))+)$/i
const ISO_SPAN =
  /^(-?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,9}))?S)?)?$/

/** Months, days and nanoseconds, of a text such as `1y2mo3d4h` or `P1Y2M3DT4H`, or of an object with these three. */
export function encodeDuration(value: unknown): Buffer {
  const found = typeof value === 'string' ? (cqlSpan(value) ?? isoSpan(value)) : spanFields(value)
  if (!found) throw new Mismatch(`duration takes a text such as "1mo2d3h" or "P1M2DT3H", got ${shown(value)}`)
  const { months, days, nanos } = found
  if (![months, days].every(part => BigInt.asIntN(32, part) === part) || BigInt.asIntN(64, nanos) !== nanos)
    throw new Mismatch(`duration takes no span of this length: ${shown(value)}`)
  const signs = [months, days, nanos].filter(part => part !== 0n).map(part => part < 0n)
  if (new Set(signs).size > 1) throw new Mismatch('duration takes months, days and nanoseconds of the same sign only')
  return Buffer.concat([zigzagVint(months), zigzagVint(days), zigzagVint(nanos)])
}

function cqlSpan(text: string): Span | undefined {
  const [, sign, parts] = CQL_SPAN.exec(text) ?? []
  if (parts === undefined) return undefined
  let [months, days, nanos] = [0n, 0n, 0n]
  for (const [, count = '0', unit = ''] of parts.toLowerCase().matchAll(/(\d+)(y|mo|w|d|h|ms|us|µs|ns|m|s)/g)) {
    const n = BigInt(count)
    if (unit === 'y') months += n * 12n
    else if (unit === 'mo') months += n
    else if (unit === 'w') days += n * 7n
    else if (unit === 'd') days += n
    else nanos += n * NANOS[unit as keyof typeof NANOS]
  }
  return signed(sign === '-', { months, days, nanos })
}

function isoSpan(text: string): Span | undefined {
  const match = ISO_SPAN.exec(text)
  if (!match || text.endsWith('P') || text.endsWith('T')) return undefined
  const [years = 0n, months = 0n, weeks = 0n, days = 0n, hours = 0n, minutes = 0n, seconds = 0n] = match
    .slice(2, 9)
    .map(part => BigInt(part ?? 0))
  const fraction = BigInt((match[9] ?? '').padEnd(9, '0'))
  return signed(match[1] === '-', {
    months: years * 12n + months,
    days: weeks * 7n + days,
    nanos: hours * NANOS.h + minutes * NANOS.m + seconds * NANOS.s + fraction,
  })
}

function spanFields(value: unknown): Span | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { months = 0, days = 0, nanoseconds = 0 } = value as { readonly [name: string]: unknown }
  const [m, d, n] = [months, days, nanoseconds].map(wholeNumber)
  return m === undefined || d === undefined || n === undefined ? undefined : { months: m, days: d, nanos: n }
}

function signed(negative: boolean, { months, days, nanos }: Span): Span {
  return negative ? { months: -months, days: -days, nanos: -nanos } : { months, days, nanos }
}
