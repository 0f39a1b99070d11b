import { RecordError, stringifyJson } from '@pulsar-io/sdk'
import { mayBeRounded } from './exact-json.ts'
import { epochText, isoText } from './time.ts'

/** What decides how a value is written: PostgreSQL's name of a type, domains resolved. */
export interface TypeName {
  /** For example `int4`, `timestamptz`; of an array that of its elements. */
  readonly base: string
  readonly array: boolean
}

/** What a number means in a timestamp column. */
export type TimestampUnit = 's' | 'ms' | 'us' | 'ns'

/**
 * Writes a value of a column as a field of `COPY … (FORMAT text)`, which every type can read: the server decides what
 * fits, and says why something does not. https://www.postgresql.org/docs/current/sql-copy.html
 */
export type Encoder = (value: unknown) => string

/** Told when a number was written that JavaScript may have rounded, into a column that would have kept its digits. */
export interface Rounding {
  seen: boolean
}

/** No value. */
export const NULL = '\\N'

/** Makes the encoder of a column. It throws a RecordError (`PIO_PG_VALUE`) for what has no form in the type. */
export function encoderFor(column: string, type: TypeName, unit: TimestampUnit, rounding: Rounding): Encoder {
  const refuse = (what: string): never => {
    throw new RecordError(`column ${column} cannot take ${what}`, { code: 'PIO_PG_VALUE' })
  }
  const scalar = textOf(type.base, unit, refuse)
  const text = type.array ? arrayOf(scalar, /^jsonb?$/.test(type.base), refuse) : scalar
  const direct = DIRECT_NUMBERS.test(type.base) && !type.array
  // What these hold, a number of JavaScript holds.
  const rounded = /^(int[24]|float[48])$/.test(type.base)
  return value => {
    if (typeof value === 'number' && direct) {
      const digits = Object.is(value, -0) ? '-0' : `${value}`
      if (!rounded && mayBeRounded(digits)) rounding.seen = true
      return digits
    }
    if (value === null || value === undefined) return NULL
    // What is inside of it is not looked at twice.
    if (typeof value === 'object' && !rounded) rounding.seen ||= mayHoldNumbers(value)
    return escaped(text(value))
  }
}

function mayHoldNumbers(value: object): boolean {
  return !(value instanceof Date) && !(value instanceof Uint8Array) && !isRawJson(value)
}

/** Types that read a number as JavaScript writes it. */
const DIRECT_NUMBERS = /^(int[248]|float[48]|numeric|text|varchar|jsonb?|oid|money)$/

const SPECIAL = /[\\\n\r\t]/
const EACH_SPECIAL = new RegExp(SPECIAL, 'g')
const ESCAPES: { readonly [character: string]: string } = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escaped(text: string): string {
  return SPECIAL.test(text) ? text.replace(EACH_SPECIAL, character => ESCAPES[character] ?? character) : text
}

type Refuse = (what: string) => never

/** The text of a value that is neither null nor undefined, before it is escaped. */
type ToText = (value: unknown) => string

function textOf(base: string, unit: TimestampUnit, refuse: Refuse): ToText {
  switch (base) {
    case 'json':
    case 'jsonb':
      return jsonText
    case 'bytea':
      return value => byteaText(value, refuse)
    case 'timestamptz':
    case 'timestamp':
    case 'date':
      return value => {
        if (value instanceof Date) return isoText(value) ?? refuse('an invalid date')
        if (typeof value === 'number' || typeof value === 'bigint')
          return epochText(value, unit) ?? refuse(`${value}: it is no time in ${unit} since 1970`)
        return plain(value, refuse)
      }
    case 'time':
    case 'timetz':
      return value => {
        if (value instanceof Date) return timeOfDay(isoText(value)) ?? refuse('an invalid date')
        if (typeof value === 'number' || typeof value === 'bigint')
          return timeOfDay(epochText(value, unit)) ?? refuse(`${value}: it is no time in ${unit} since midnight`)
        return plain(value, refuse)
      }
    case 'uuid':
      return value => (value instanceof Uint8Array ? bytes(value).toString('hex') : plain(value, refuse))
    default:
      return value => plain(value, refuse)
  }
}

/** The part of a timestamp that tells the time, in UTC. */
function timeOfDay(text: string | undefined): string | undefined {
  return text && /\d\d:\d\d:\d\d\.\d+/.exec(text)?.[0].concat('+00')
}

function plain(value: unknown, refuse: Refuse): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'object':
      break
    default:
      return refuse(`a ${typeof value}`)
  }
  if (value instanceof Date) return isoText(value) ?? refuse('an invalid date')
  if (value instanceof Uint8Array) return utf8(value, refuse)
  return rawNumber(value) ?? stringifyJson(value)
}

/** A number whose digits JavaScript would not keep, as `parseExactJson` leaves it. */
function rawNumber(value: unknown): string | undefined {
  return isRawJson(value) ? value.rawJSON : undefined
}

// TypeScript's library does not know it yet; it is in every Node that the project runs on.
const isRawJson = (JSON as unknown as { isRawJSON(value: unknown): value is { readonly rawJSON: string } }).isRawJSON

/** An object or a list that is a text already goes in as it is; any other text is a JSON text. */
function jsonText(value: unknown): string {
  if (typeof value === 'string') return isJsonContainer(value) ? value : JSON.stringify(value)
  if (value instanceof Uint8Array) {
    const text = bytes(value).toString('utf8')
    return isJsonContainer(text) ? text : stringifyJson(value)
  }
  return stringifyJson(value)
}

function isJsonContainer(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    // A text that only begins like one.
    return false
  }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Bytes; as a text either base64, as JSON carries bytes, or PostgreSQL's own `\x` and hexadecimal digits. */
function byteaText(value: unknown, refuse: Refuse): string {
  if (value instanceof Uint8Array) return `\\x${bytes(value).toString('hex')}`
  if (typeof value !== 'string') return refuse(`${kindOf(value)}; bytes are base64, or \\x and hexadecimal digits`)
  if (value.startsWith('\\x')) return value
  if (!BASE64.test(value)) return refuse('a text that is neither base64 nor \\x and hexadecimal digits')
  return `\\x${Buffer.from(value, 'base64').toString('hex')}`
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function utf8(value: Uint8Array, refuse: Refuse): string {
  try {
    return strictUtf8.decode(value)
  } catch {
    return refuse('bytes that are not UTF-8; a bytea column takes them')
  }
}

/** `{"a","b",NULL}`; a text goes in as it is. https://www.postgresql.org/docs/current/arrays.html */
function arrayOf(element: ToText, json: boolean, refuse: Refuse): ToText {
  const literal = (list: readonly unknown[]): string => {
    const parts = list.map(part => {
      if (part === null || part === undefined) return 'NULL'
      // A list inside a list of JSON is JSON; in any other it is one more dimension.
      if (Array.isArray(part) && !json) return literal(part)
      return `"${element(part).replace(/["\\]/g, '\\$&')}"`
    })
    return `{${parts.join(',')}}`
  }
  return value => {
    if (Array.isArray(value)) return literal(value)
    return typeof value === 'string' ? value : refuse(`${kindOf(value)}; it takes a list`)
  }
}

function bytes(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`
}
