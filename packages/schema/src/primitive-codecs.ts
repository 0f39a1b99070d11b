import type { PrimitiveSchemaType, SchemaInfo } from '@pulsar-io/sdk'
import { asBuffer } from './bytes.ts'
import type { Codec } from './codec.ts'
import { decodeError, encodeError, kindOf, Mismatch } from './mismatch.ts'
import { dateOf, dateText, parseDate, parseTime, parseTimestamp, timestampText, timeText } from './time-text.ts'
import { wholeNumber } from './whole-number.ts'

/** Layout of a primitive: the bytes that Pulsar's Java schemas write, big endian. */
interface Layout {
  readonly size: number
  write(out: Buffer, value: unknown): void
  read(from: Buffer): unknown
}

const NANOS_OF_DAY = 86_400_000_000_000n
const NANOS = 1_000_000_000n

const LAYOUTS: { readonly [type in PrimitiveSchemaType]: Layout } = {
  BOOLEAN: {
    size: 1,
    write: (out, value) => {
      if (typeof value !== 'boolean') throw new Mismatch(`expected true or false, got ${kindOf(value)}`)
      out[0] = value ? 1 : 0
    },
    read: from => from[0] !== 0,
  },
  INT8: { size: 1, write: (out, value) => out.writeInt8(int(value, 8)), read: from => from.readInt8() },
  INT16: { size: 2, write: (out, value) => out.writeInt16BE(int(value, 16)), read: from => from.readInt16BE() },
  INT32: { size: 4, write: (out, value) => out.writeInt32BE(int(value, 32)), read: from => from.readInt32BE() },
  INT64: { size: 8, write: (out, value) => out.writeBigInt64BE(long(value)), read: from => from.readBigInt64BE() },
  FLOAT: { size: 4, write: (out, value) => out.writeFloatBE(float(value)), read: from => from.readFloatBE() },
  DOUBLE: { size: 8, write: (out, value) => out.writeDoubleBE(float(value)), read: from => from.readDoubleBE() },
  // All three are milliseconds since 1970 in Java: a java.sql.Timestamp loses its nanoseconds there.
  DATE: milliseconds(),
  TIME: milliseconds(),
  TIMESTAMP: milliseconds(),
  INSTANT: {
    size: 12,
    write: (out, value) => {
      const nanos = parseTimestamp(value, 9, 'Z')
      const part = ((nanos % NANOS) + NANOS) % NANOS
      out.writeBigInt64BE((nanos - part) / NANOS)
      out.writeInt32BE(Number(part), 8)
    },
    read: from => {
      const nanos = from.readBigInt64BE() * NANOS + BigInt(from.readInt32BE(8))
      return timestampText(nanos, 9, 'Z') ?? nanos
    },
  },
  LOCAL_DATE: {
    size: 8,
    write: (out, value) => out.writeBigInt64BE(BigInt(parseDate(value))),
    read: from => {
      const days = from.readBigInt64BE()
      return dateText(Number(days)) ?? days
    },
  },
  LOCAL_TIME: {
    size: 8,
    write: (out, value) => out.writeBigInt64BE(parseTime(value, 9)),
    read: from => timeText(nanosOfDay(from.readBigInt64BE()), 9),
  },
  LOCAL_DATE_TIME: {
    size: 16,
    write: (out, value) => {
      const nanos = parseTimestamp(value, 9, '')
      const ofDay = ((nanos % NANOS_OF_DAY) + NANOS_OF_DAY) % NANOS_OF_DAY
      out.writeBigInt64BE((nanos - ofDay) / NANOS_OF_DAY)
      out.writeBigInt64BE(ofDay, 8)
    },
    read: from => {
      const nanos = from.readBigInt64BE() * NANOS_OF_DAY + nanosOfDay(from.readBigInt64BE(8))
      return timestampText(nanos, 9, '') ?? nanos
    },
  },
}

/** The codec of one of Pulsar's primitive types; undefined for another type. */
export function primitiveCodec(schema: SchemaInfo): Codec | undefined {
  const { type } = schema
  if (!(type in LAYOUTS)) return undefined
  const layout = LAYOUTS[type as PrimitiveSchemaType]
  return {
    schema,
    encode: value => {
      const out = Buffer.alloc(layout.size)
      try {
        layout.write(out, value)
      } catch (error) {
        throw encodeError(type, error)
      }
      return out
    },
    decode: payload => {
      if (payload.length !== layout.size) {
        throw decodeError(type, `expected ${layout.size} bytes, got ${payload.length}`)
      }
      try {
        return layout.read(asBuffer(payload))
      } catch (error) {
        throw decodeError(type, error)
      }
    },
  }
}

function milliseconds(): Layout {
  return {
    size: 8,
    write: (out, value) => out.writeBigInt64BE(parseTimestamp(value, 3, 'Z')),
    read: from => {
      const ms = from.readBigInt64BE()
      return dateOf(ms) ?? ms
    },
  }
}

function int(value: unknown, bits: number): number {
  const number = typeof value === 'bigint' ? Number(value) : value
  const limit = 2 ** (bits - 1)
  if (typeof number !== 'number' || !Number.isInteger(number) || number < -limit || number >= limit) {
    throw new Mismatch(`expected a whole number of ${bits} bits, got ${kindOf(value)}`)
  }
  return number
}

function long(value: unknown): bigint {
  const number = wholeNumber(value)
  if (typeof number !== 'bigint' || BigInt.asIntN(64, number) !== number) {
    throw new Mismatch(`expected a whole number of 64 bits, got ${kindOf(value)}`)
  }
  return number
}

function float(value: unknown): number {
  if (typeof value !== 'number') throw new Mismatch(`expected a number, got ${kindOf(value)}`)
  return value
}

function nanosOfDay(nanos: bigint): bigint {
  if (nanos < 0n || nanos >= NANOS_OF_DAY) throw new Mismatch('the time is not within a day')
  return nanos
}
