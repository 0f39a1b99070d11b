import { ConfigError, RecordError, type SchemaInfo } from '@pulsar-io/sdk'
import type { Codec } from './codec.ts'

const BYTES: SchemaInfo = { type: 'BYTES' }

/** Makes the codec of a schema; bytes where there is none. Throws a ConfigError (`PIO_SCHEMA_TYPE`) for a type that is not known. */
export function codecFor(schema: SchemaInfo | undefined): Codec {
  if (schema === undefined) return bytesCodec(BYTES)
  switch (schema.type) {
    case 'BYTES':
      return bytesCodec(schema)
    case 'STRING':
      return stringCodec(schema)
    case 'JSON':
      return jsonCodec(schema)
    default:
      throw new ConfigError(
        [{ path: 'schemaType', message: `${schema.type} is not supported; use BYTES, STRING or JSON` }],
        {
          code: 'PIO_SCHEMA_TYPE',
        },
      )
  }
}

function bytesCodec(schema: SchemaInfo): Codec {
  return {
    schema,
    // A source without a schema may hand over text or objects; they are written as UTF-8 and JSON.
    encode: value => (value instanceof Uint8Array ? value : utf8(typeof value === 'string' ? value : stringify(value))),
    decode: payload => payload,
  }
}

function stringCodec(schema: SchemaInfo): Codec {
  return {
    schema,
    encode: value => {
      if (typeof value !== 'string') throw encodeError('STRING', `expected text, got ${kindOf(value)}`)
      return utf8(value)
    },
    decode: payload => {
      try {
        return strictUtf8.decode(payload)
      } catch (error) {
        throw decodeError('STRING', 'not UTF-8', error)
      }
    },
  }
}

function jsonCodec(schema: SchemaInfo): Codec {
  return {
    schema,
    encode: value => utf8(stringify(value)),
    decode: payload => {
      try {
        // Buffer's decoder is the fastest there is for short texts; JSON.parse refuses what is not JSON.
        return JSON.parse(asBuffer(payload).toString('utf8'))
      } catch (error) {
        throw decodeError('JSON', (error as Error).message, error)
      }
    },
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function utf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}

function stringify(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? exactNumber(part) : part))
  } catch (error) {
    throw encodeError('JSON', (error as Error).message, error)
  }
  if (text === undefined) throw encodeError('JSON', `${kindOf(value)} has no JSON form`)
  return text
}

/** A bigint beyond 2^53 is written as text, because most readers of JSON would round the number. */
function exactNumber(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : value instanceof Uint8Array ? 'bytes' : typeof value
}

function encodeError(type: string, reason: string, cause?: unknown): RecordError {
  return new RecordError(`value does not fit the ${type} schema: ${reason}`, { code: 'PIO_SCHEMA_ENCODE', cause })
}

function decodeError(type: string, reason: string, cause: unknown): RecordError {
  return new RecordError(`message does not match its ${type} schema: ${reason}`, { code: 'PIO_SCHEMA_DECODE', cause })
}
