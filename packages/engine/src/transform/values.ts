import { createHash, createHmac } from 'node:crypto'
import { ConfigError, closest, integer, type Problem, parseJson, stringifyJson } from '@pulsar-io/sdk'
import * as z from 'zod'
import { isFields } from './fields.ts'
import { changingValues, fieldsAndOptions, type Operation, pairs, pathsOf, settingsOf, together } from './operation.ts'
import { fieldList, withFields } from './structure.ts'

const masking = z.strictObject({
  fields: fieldList,
  with: z.string().default('***'),
  keepFirst: integer({ min: 0 }).default(0),
  keepLast: integer({ min: 0 }).default(0),
})

/** Puts stars in the place of a value; how long it was cannot be told. */
export const mask: Operation = {
  short: fieldsAndOptions,
  make: settings => {
    const { fields, with: cover, keepFirst, keepLast } = settingsOf(masking, withFields(settings))
    return changingValues(pathsOf(fields), value => {
      const text = textOf(value)
      // A text that is shorter than what may be seen of it would be seen whole.
      const seen = text.length > keepFirst + keepLast
      return `${seen ? text.slice(0, keepFirst) : ''}${cover}${seen && keepLast > 0 ? text.slice(-keepLast) : ''}`
    })
  },
}

const hashing = z.strictObject({
  fields: fieldList,
  salt: z.string().min(1, 'must not be empty').optional(),
  secret: z.string().min(1, 'must not be empty').optional(),
})

/** SHA-256 as hexadecimal text; with a salt HMAC-SHA-256, so that nobody without it can try values. */
export const hash: Operation = {
  short: fieldsAndOptions,
  make: (settings, services) => {
    const { fields, salt, secret } = settingsOf(hashing, withFields(settings))
    if (salt !== undefined && secret !== undefined) {
      throw new ConfigError([{ path: 'secret', message: 'cannot stand beside salt; keep one of them' }])
    }
    const key = secret === undefined ? salt : services.secret(secret)
    if (secret !== undefined && key === undefined && !services.checkOnly) {
      throw new ConfigError([{ path: 'secret', message: `the secrets of this connector have no ${secret}` }])
    }
    return changingValues(pathsOf(fields), value => {
      const data = value instanceof Uint8Array ? value : textOf(value)
      return (key === undefined ? createHash('sha256') : createHmac('sha256', key)).update(data).digest('hex')
    })
  },
}

type Cast = (value: unknown) => unknown

const casts = z.record(z.string(), z.string())

/** Makes another type of a value. What would be cut or rounded is refused. */
export const cast: Operation = {
  short: pairs,
  make: settings => {
    const problems: Problem[] = []
    const changes = Object.entries(settingsOf(casts, settings)).flatMap(([field, type]) => {
      const to = CASTS[type.toLowerCase()]
      if (!to) {
        const guess = closest(type, Object.keys(CASTS))
        const hint = guess ? `; did you mean ${guess}?` : ''
        problems.push({
          path: field,
          message: `must be one of ${Object.keys(CASTS).join(', ')}, got ${JSON.stringify(type)}${hint}`,
        })
        return []
      }
      try {
        return [changingValues(pathsOf([field], ''), to)]
      } catch (error) {
        problems.push(...(error as ConfigError).problems.map(({ message }) => ({ path: field, message })))
        return []
      }
    })
    if (changes.length === 0 && problems.length === 0) problems.push({ path: '', message: 'name at least one field' })
    if (problems.length > 0) throw new ConfigError(problems)
    return together(changes)
  },
}

const CASTS: { readonly [type: string]: Cast } = {
  string: value => (isFields(value) ? stringifyJson(value) : textOf(value)),
  int: value => {
    const number = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value
    const whole = typeof number === 'bigint' ? Number(number) : typeof number === 'boolean' ? Number(number) : number
    if (typeof whole === 'number' && Number.isSafeInteger(whole)) return whole
    throw new Error('is no whole number up to 2^53')
  },
  long: value => {
    if (typeof value === 'bigint') return value
    if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
    if (typeof value === 'string' && /^\s*-?\d+\s*$/.test(value)) return BigInt(value.trim())
    throw new Error('is no whole number')
  },
  double: value => {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    if (typeof number === 'number' && Number.isFinite(number)) return number
    if (typeof number === 'bigint' && BigInt(Number(number)) === number) return Number(number)
    throw new Error('is no number')
  },
  decimal: value => {
    const text = textOf(value).trim()
    if (/^[+-]?\d+(\.\d+)?$/.test(text)) return text.replace(/^\+/, '')
    throw new Error('is no decimal')
  },
  boolean: value => {
    const text = typeof value === 'boolean' ? String(value) : textOf(value).trim().toLowerCase()
    if (text === 'true' || text === '1') return true
    if (text === 'false' || text === '0') return false
    throw new Error('is neither true nor false')
  },
  timestamp: value => {
    const ms = typeof value === 'bigint' ? Number(value) : value
    // Without a zone it would mean another moment on another machine.
    const zoned = typeof ms === 'string' && /T.*(Z|[+-]\d\d:?\d\d)$|^\d{4}-\d\d-\d\d$/.test(ms)
    const date = ms instanceof Date ? ms : typeof ms === 'number' || zoned ? new Date(ms as string | number) : undefined
    if (date && !Number.isNaN(date.getTime())) return date
    throw new Error('is no time such as 2024-02-29T12:00:00Z, and no milliseconds since 1970')
  },
  json: value => {
    if (typeof value !== 'string') return value
    try {
      return parseJson(value)
    } catch {
      // The parser's message quotes the value.
      throw new Error('is not JSON')
    }
  },
}

/** A single value as text. Throws for an object: its fields have to be named. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  }
  throw new Error('is an object; name its fields')
}
