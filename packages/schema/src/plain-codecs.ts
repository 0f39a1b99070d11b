import type { SchemaInfo } from '@pulsar-io/sdk'
import { parseJson, stringifyJson } from '@pulsar-io/sdk/core'
import { asBuffer } from './bytes.ts'
import type { Codec } from './codec.ts'
import { decodeError, encodeError, kindOf } from './mismatch.ts'

/** Payloads as they are. */
export function bytesCodec(schema: SchemaInfo): Codec {
  return {
    schema,
    // A source without a schema may hand over text or objects; they are written as UTF-8 and JSON.
    encode: value => (value instanceof Uint8Array ? value : utf8(typeof value === 'string' ? value : jsonText(value))),
    decode: payload => payload,
  }
}

/** UTF-8. */
export function stringCodec(schema: SchemaInfo): Codec {
  return {
    schema,
    encode: value => {
      if (typeof value !== 'string') throw encodeError('STRING', `expected text, got ${kindOf(value)}`)
      return utf8(value)
    },
    decode: payload => {
      try {
        return strictUtf8.decode(payload)
      } catch {
        // The decoder's own message is no help.
        throw decodeError('STRING', 'not UTF-8')
      }
    },
  }
}

/** JSON, with or without a definition: Pulsar's JSON schema describes a record, its payload is plain JSON all the same. */
export function jsonCodec(schema: SchemaInfo): Codec {
  return {
    schema,
    encode: value => utf8(jsonText(value)),
    decode: payload => {
      try {
        // Buffer's decoder is the fastest there is for short texts; the parser refuses what is not JSON.
        return parseJson(asBuffer(payload).toString('utf8'))
      } catch (error) {
        throw decodeError('JSON', error)
      }
    },
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function utf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}

function jsonText(value: unknown): string {
  try {
    return stringifyJson(value)
  } catch (error) {
    throw encodeError('JSON', error)
  }
}
