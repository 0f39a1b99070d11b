import { type PrimitiveSchemaType, RecordError, stringifyJson } from '@pulsar-io/sdk'

const PACKAGE = 'org.apache.kafka.common.serialization.'

/** What Kafka's own classes do with a number of fixed size, big end first. */
interface Fixed {
  readonly bytes: number
  read(bytes: Buffer): number | bigint
  write(bytes: Buffer, value: number | bigint): void
  readonly schema: PrimitiveSchemaType
}

const numbers: { readonly [kind: string]: Fixed } = {
  Short: { bytes: 2, read: b => b.readInt16BE(), write: (b, v) => b.writeInt16BE(Number(v)), schema: 'INT16' },
  Integer: { bytes: 4, read: b => b.readInt32BE(), write: (b, v) => b.writeInt32BE(Number(v)), schema: 'INT32' },
  Long: { bytes: 8, read: b => b.readBigInt64BE(), write: (b, v) => b.writeBigInt64BE(BigInt(v)), schema: 'INT64' },
  Float: { bytes: 4, read: b => b.readFloatBE(), write: (b, v) => b.writeFloatBE(Number(v)), schema: 'FLOAT' },
  Double: { bytes: 8, read: b => b.readDoubleBE(), write: (b, v) => b.writeDoubleBE(Number(v)), schema: 'DOUBLE' },
}

const bytesKinds = ['ByteArray', 'ByteBuffer', 'Bytes']
const kinds = ['String', ...bytesKinds, ...Object.keys(numbers)]

/** Java classes whose work is done here, too. */
export const deserializers = kinds.map(kind => `${PACKAGE}${kind}Deserializer`) as [string, ...string[]]
export const serializers = kinds.map(kind => `${PACKAGE}${kind}Serializer`) as [string, ...string[]]

const kindOf = (className: string): string => className.slice(PACKAGE.length).replace(/(Des|S)erializer$/, '')

/** Reads what a Java serializer wrote. Throws a RangeError for bytes of another size. */
export type Deserialize = (bytes: Buffer) => unknown

/** How to read, and the schema of what comes out. */
export function deserializer(className: string): {
  readonly read: Deserialize
  readonly schema: PrimitiveSchemaType | 'STRING' | 'BYTES'
} {
  const kind = kindOf(className)
  const fixed = numbers[kind]
  if (fixed) {
    const read = (bytes: Buffer): unknown => {
      if (bytes.length !== fixed.bytes)
        throw new RangeError(`${kind} has ${fixed.bytes} bytes, these are ${bytes.length}`)
      return fixed.read(bytes)
    }
    return { read, schema: fixed.schema }
  }
  if (kind === 'String') return { read: bytes => bytes.toString('utf8'), schema: 'STRING' }
  return { read: bytes => bytes, schema: 'BYTES' }
}

/** The text that stands for a key: bytes are base64. */
export function keyReader(className: string): (bytes: Buffer) => string {
  const { read } = deserializer(className)
  if (bytesKinds.includes(kindOf(className))) return bytes => bytes.toString('base64')
  return bytes => String(read(bytes))
}

/** Makes bytes of a decoded value. Throws a RecordError (`PIO_KAFKA_VALUE`) where it cannot. */
export function serializer(className: string): (value: unknown) => Buffer {
  const kind = kindOf(className)
  const fixed = numbers[kind]
  return fixed ? value => fixedBytes(kind, fixed, value) : anyBytes
}

function anyBytes(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (typeof value === 'string') return Buffer.from(value)
  try {
    return Buffer.from(stringifyJson(value))
  } catch (error) {
    throw new RecordError(`the value has no JSON form: ${(error as Error).message}`, { code: 'PIO_KAFKA_VALUE' })
  }
}

function fixedBytes(kind: string, fixed: Fixed, value: unknown): Buffer {
  const number = typeof value === 'string' && value.trim() !== '' ? asNumber(value) : value
  const bytes = Buffer.alloc(fixed.bytes)
  try {
    if (typeof number !== 'number' && typeof number !== 'bigint') throw new TypeError(`it is ${typeof value}`)
    // Node writes 0 for what is no number, and cuts off what is behind the point.
    const whole = !['FLOAT', 'DOUBLE'].includes(fixed.schema)
    if (Number.isNaN(number) || (whole && typeof number === 'number' && !Number.isInteger(number)))
      throw new RangeError('no whole number')
    fixed.write(bytes, number)
  } catch (error) {
    // What the number is stays unsaid: it may be personal.
    throw new RecordError(
      `${kind}Serializer cannot write this: ${error instanceof TypeError ? error.message : 'out of range, or no whole number'}`,
      {
        code: 'PIO_KAFKA_VALUE',
      },
    )
  }
  return bytes
}

function asNumber(text: string): number | bigint {
  return /^-?\d+$/.test(text) ? BigInt(text) : Number(text)
}
