import { stringifyJson } from '@pulsar-io/sdk'

/** A value that a type cannot take. */
export class Mismatch extends Error {
  /** The part of the value that is meant, for example `.city` or `[3]`; empty for all of it. */
  readonly at: string

  constructor(message: string, at = '') {
    super(message)
    this.name = 'Mismatch'
    this.at = at
  }
}

/** The error of a part, which says that it was that part; other errors as they are. */
export function within(at: string, error: unknown): unknown {
  return error instanceof Mismatch ? new Mismatch(error.message, at + error.at) : error
}

/** A value as a message shows it: short, and without the content of bytes. */
export function shown(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`
  if (value instanceof Date) return 'a date'
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'object') return Array.isArray(value) ? `a list of ${value.length}` : 'an object'
  const text = typeof value === 'string' ? stringifyJson(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
