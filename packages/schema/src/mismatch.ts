import { ConfigError, RecordError } from '@pulsar-io/sdk/core'

/** A value that does not fit; the path grows while the error leaves the parts of the value. */
export class Mismatch extends Error {
  path = ''

  /** The same mismatch, seen from one level further out. */
  within(part: string | number): this {
    const step = typeof part === 'number' ? `[${part}]` : part
    this.path = this.path === '' || this.path.startsWith('[') ? step + this.path : `${step}.${this.path}`
    return this
  }
}

/** Rethrows an error of a part with the part's name. */
export function inside(part: string | number, error: unknown): never {
  throw error instanceof Mismatch ? error.within(part) : error
}

/** Names what a value is, never the value itself: it may be confidential. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (value instanceof Uint8Array) return 'bytes'
  if (value instanceof Date) return 'a date'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return 'text'
  if (typeof value === 'bigint') return 'a whole number'
  return typeof value === 'undefined' ? 'nothing' : `a${typeof value === 'object' ? 'n' : ''} ${typeof value}`
}

export function encodeError(type: string, reason: unknown): RecordError {
  return new RecordError(`value does not fit the ${type} schema: ${textOf(reason)}`, {
    code: 'PIO_SCHEMA_ENCODE',
    cause: reason instanceof Error && !(reason instanceof Mismatch) ? reason : undefined,
  })
}

export function decodeError(type: string, reason: unknown): RecordError {
  return new RecordError(`message does not match its ${type} schema: ${textOf(reason)}`, {
    code: 'PIO_SCHEMA_DECODE',
    cause: reason instanceof Error ? reason : undefined,
  })
}

/** The schema itself cannot be used. */
export function definitionError(type: string, reason: unknown): ConfigError {
  return new ConfigError(
    [{ path: 'schema', message: `the definition of the ${type} schema cannot be used: ${textOf(reason)}` }],
    { code: 'PIO_SCHEMA_DEFINITION', cause: reason instanceof Error ? reason : undefined },
  )
}

function textOf(reason: unknown): string {
  if (reason instanceof Mismatch) return reason.path === '' ? reason.message : `${reason.path}: ${reason.message}`
  return reason instanceof Error ? reason.message : String(reason)
}
