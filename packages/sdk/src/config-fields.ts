import * as z from 'zod'
import type { JsonSchema } from './config-schema.ts'
import { stringifyJson } from './json.ts'

/** Bounds of a numeric field, both included. */
export interface Bounds {
  readonly min?: number
  readonly max?: number
}

/** A whole number, also as text (`"10911"`), as Pulsar's config files carry them. */
export function integer(bounds: Bounds = {}): z.ZodType<number> {
  return numeric('integer', bounds)
}

/** A number, also as text. */
export function number(bounds: Bounds = {}): z.ZodType<number> {
  return numeric('number', bounds)
}

/** A boolean, also as the text `"true"` or `"false"`. */
export function boolean(): z.ZodType<boolean> {
  return field({ type: ['boolean', 'string'], pattern: '^([Tt]rue|[Ff]alse|TRUE|FALSE)$' }, value => {
    if (typeof value === 'boolean') return value
    const text = typeof value === 'string' ? value.trim().toLowerCase() : ''
    if (text === 'true') return true
    if (text === 'false') return false
    return problem(`must be true or false, got ${show(value)}`)
  })
}

const DURATION_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A duration in milliseconds: a number of milliseconds, or text such as `500ms`, `2s`, `5m`, `1h`, `7d`. */
export function duration(bounds: Bounds = {}): z.ZodType<number> {
  return field({ type: ['number', 'string'], pattern: '^\\d+(\\.\\d+)?\\s*(ms|s|m|h|d)?$' }, value => {
    const ms = typeof value === 'number' ? value : typeof value === 'string' ? parseDuration(value) : undefined
    if (ms === undefined || !Number.isFinite(ms) || ms < 0)
      return problem(`must be a duration such as 500ms, 2s or 5m, got ${show(value)}`)
    return within(ms, bounds, 'ms')
  })
}

/** Milliseconds of `500ms`, `2s`, `5m`, `1h`, `7d`, or of a bare number of milliseconds; undefined when it is neither. */
export function parseDuration(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*$/.exec(text)
  return match ? Number(match[1]) * DURATION_UNITS[(match[2] ?? 'ms') as keyof typeof DURATION_UNITS] : undefined
}

const SIZE_UNITS = {
  b: 1,
  kb: 1000,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
} as const

/** A size in bytes: a number of bytes, or text such as `64KiB`, `5MiB`, `1GB`. */
export function size(bounds: Bounds = {}): z.ZodType<number> {
  return field({ type: ['integer', 'string'], pattern: '^\\d+(\\.\\d+)?\\s*([KMGTkmgt]?[Ii]?[Bb])?$' }, value => {
    const bytes = typeof value === 'number' ? value : typeof value === 'string' ? parseSize(value) : undefined
    if (bytes === undefined || !Number.isInteger(bytes) || bytes < 0)
      return problem(`must be a size such as 64KiB or 5MiB, got ${show(value)}`)
    return within(bytes, bounds, 'bytes')
  })
}

/** Bytes of `64KiB`, `5MiB`, `1GB`, or of a bare number of bytes; undefined when it is neither. */
export function parseSize(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?b)?\s*$/i.exec(text)
  return match
    ? Math.round(Number(match[1]) * SIZE_UNITS[(match[2] ?? 'b').toLowerCase() as keyof typeof SIZE_UNITS])
    : undefined
}

/** A list of strings, also as one text with commas between. */
export function stringList(): z.ZodType<readonly string[]> {
  return field({ type: ['array', 'string'], items: { type: 'string' } }, value => {
    if (typeof value === 'string')
      return value
        .split(',')
        .map(part => part.trim())
        .filter(part => part !== '')
    if (Array.isArray(value) && value.every(part => typeof part === 'string')) return value as readonly string[]
    return problem(`must be a list of strings, got ${show(value)}`)
  })
}

/** A text that is never printed: shown as `***` in logs, status and answers. */
export function secret(): z.ZodType<string> {
  return z.string({ error: 'must be a text' }).meta({ writeOnly: true, format: 'password' })
}

function numeric(type: 'integer' | 'number', bounds: Bounds): z.ZodType<number> {
  const json = {
    type: [type, 'string'],
    pattern: type === 'integer' ? '^-?\\d+$' : '^-?\\d+(\\.\\d+)?([eE][+-]?\\d+)?$',
    ...(bounds.min === undefined ? {} : { minimum: bounds.min }),
    ...(bounds.max === undefined ? {} : { maximum: bounds.max }),
  }
  return field(json, value => {
    const n = numberOf(value)
    if (!Number.isFinite(n)) return problem(`must be a number, got ${show(value)}`)
    if (type === 'integer' && !Number.isInteger(n)) return problem(`must be a whole number, got ${show(value)}`)
    if (type === 'integer' && !Number.isSafeInteger(n))
      return problem(`must not be beyond ±${Number.MAX_SAFE_INTEGER}, got ${show(value)}`)
    return within(n, bounds)
  })
}

/** Thrown inside a field's reader, turned into the field's issue. */
class FieldProblem {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

function problem(message: string): never {
  throw new FieldProblem(message)
}

function within(value: number, { min, max }: Bounds, unit = ''): number {
  const suffix = unit ? ` ${unit}` : ''
  if (min !== undefined && value < min) problem(`must be at least ${min}${suffix}, got ${value}`)
  if (max !== undefined && value > max) problem(`must be at most ${max}${suffix}, got ${value}`)
  return value
}

/** NaN for what is none. JSON gives whole numbers beyond 2^53 as bigint. */
function numberOf(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
}

function show(value: unknown): string {
  const data = value !== undefined && typeof value !== 'function' && typeof value !== 'symbol'
  const text = data ? stringifyJson(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

function field<T>(json: JsonSchema, read: (value: unknown) => T): z.ZodType<T> {
  const schema = z.any().transform((value, context) => {
    if (value === undefined) {
      context.issues.push({ code: 'invalid_type', expected: 'nonoptional', input: value, message: 'required' })
      return z.NEVER
    }
    try {
      return read(value)
    } catch (error) {
      if (!(error instanceof FieldProblem)) throw error
      context.issues.push({ code: 'custom', input: value, message: error.message })
      return z.NEVER
    }
  })
  // JSON Schema cannot see through a transform; the metadata says what it takes.
  return schema.meta(json) as unknown as z.ZodType<T>
}
