import type { SchemaInfo } from '@pulsar-io/sdk'
import { asBuffer } from './bytes.ts'
import type { Codec, KeyValue, KeyValueCodec, KeyValueParts } from './codec.ts'
import { decodeError, encodeError } from './mismatch.ts'

/**
 * Two values in one message. Inline, both stand in the payload, each behind its length as a 32-bit number, -1 for null.
 * Separated, the payload is the value and the message's key the key.
 */
export function keyValueCodec(schema: SchemaInfo, key: Codec, value: Codec): Codec {
  const keyValue = schema.keyValue?.encoding === 'SEPARATED' ? separated(key, value) : inline(key, value)
  return {
    schema,
    keyValue,
    encode: record => {
      if (!isKeyValue(record)) throw encodeError('KEY_VALUE', 'expected an object with key and value')
      return keyValue.encode(record).payload ?? new Uint8Array()
    },
    decode: payload => keyValue.decode({ payload, key: undefined }),
  }
}

function separated(key: Codec, value: Codec): KeyValueCodec {
  return {
    encoding: 'SEPARATED',
    encode: record => ({
      payload: isNothing(record.value) ? null : value.encode(record.value),
      key: isNothing(record.key) ? undefined : key.encode(record.key),
    }),
    decode: message => ({
      key: message.key === undefined ? null : key.decode(message.key),
      value: message.payload === null ? null : value.decode(message.payload),
    }),
  }
}

function inline(key: Codec, value: Codec): KeyValueCodec {
  return {
    encoding: 'INLINE',
    encode: record => ({
      payload: Buffer.concat([...framed(key, record.key), ...framed(value, record.value)]),
      key: undefined,
    }),
    decode: ({ payload }: KeyValueParts): KeyValue => {
      if (payload === null) return { key: null, value: null }
      const bytes = asBuffer(payload)
      const first = part(bytes, 0)
      const second = part(bytes, first.end)
      if (second.end !== bytes.length) throw decodeError('KEY_VALUE', 'there is more than a key and a value')
      return {
        key: first.bytes === null ? null : key.decode(first.bytes),
        value: second.bytes === null ? null : value.decode(second.bytes),
      }
    },
  }
}

function framed(codec: Codec, value: unknown): readonly Uint8Array[] {
  const length = Buffer.alloc(4)
  if (isNothing(value)) {
    length.writeInt32BE(-1)
    return [length]
  }
  const bytes = codec.encode(value)
  length.writeInt32BE(bytes.length)
  return [length, bytes]
}

function part(from: Buffer, at: number): { readonly bytes: Buffer | null; readonly end: number } {
  if (at + 4 > from.length) throw decodeError('KEY_VALUE', 'a length is missing')
  const length = from.readInt32BE(at)
  const start = at + 4
  if (length < 0) return { bytes: null, end: start }
  if (start + length > from.length) throw decodeError('KEY_VALUE', 'a length goes beyond the payload')
  return { bytes: from.subarray(start, start + length), end: start + length }
}

function isNothing(value: unknown): value is null | undefined {
  return value === null || value === undefined
}

function isKeyValue(value: unknown): value is KeyValue {
  return typeof value === 'object' && value !== null && 'key' in value && 'value' in value
}
