import avro from 'avsc'
import { bigintFromBytes, bytesFromBigint, decimalText, parseDecimal } from '../decimal.ts'
import { kindOf, Mismatch } from '../mismatch.ts'
import { dateOf, dateText, parseDate, parseTime, parseTimestamp, timestampText, timeText } from '../time-text.ts'
import type { AvroJson } from './definition.ts'

/** A logical type that also knows how a JavaScript value becomes the value of its underlying type. */
export abstract class Logical extends avro.types.LogicalType {
  /** Throws a Mismatch. */
  abstract toAvro(value: unknown): unknown
  protected abstract override _fromValue(value: unknown): unknown
  protected override _toValue(value: unknown): unknown {
    return this.toAvro(value)
  }
  // Messages are read with the schema that they were written with: nothing is ever resolved.
  protected override _resolve(): undefined {
    return undefined
  }
}

type Attributes = { readonly [attribute: string]: unknown }

/** Text such as `12.30`: exact, and as many digits behind the point as the scale says. */
class Decimal extends Logical {
  readonly #scale: number
  readonly #precision: number
  readonly #size: number | undefined

  constructor(schema: AvroJson, options: object) {
    super(schema as never, options)
    const { scale = 0, precision, type, size } = schema as Attributes
    const whole = (number: unknown) => typeof number === 'number' && Number.isInteger(number) && number >= 0
    // avsc then takes the underlying type, which is what the specification asks for.
    if (!whole(precision) || !whole(scale) || (scale as number) > (precision as number)) throw new Error('decimal')
    if (type !== 'bytes' && type !== 'fixed') throw new Error('decimal')
    this.#scale = scale as number
    this.#precision = precision as number
    this.#size = type === 'fixed' ? (size as number) : undefined
  }

  protected override _fromValue(value: Uint8Array): string {
    return decimalText(bigintFromBytes(value), this.#scale)
  }

  override toAvro(value: unknown): Uint8Array {
    return bytesFromBigint(parseDecimal(value, this.#scale, this.#precision), this.#size)
  }
}

class DateType extends Logical {
  protected override _fromValue(days: number): string | number {
    return dateText(days) ?? days
  }

  override toAvro(value: unknown): number {
    return parseDate(value)
  }
}

/** Text such as `23:59:58.123`. */
class TimeMillis extends Logical {
  protected override _fromValue(ms: number): string {
    return timeText(BigInt(ms), 3)
  }

  override toAvro(value: unknown): number {
    return Number(parseTime(value, 3))
  }
}

class TimeMicros extends Logical {
  protected override _fromValue(micros: bigint): string {
    return timeText(micros, 6)
  }

  override toAvro(value: unknown): bigint {
    return parseTime(value, 6)
  }
}

/** A Date; a number of milliseconds that none can hold stays a bigint. */
class TimestampMillis extends Logical {
  protected override _fromValue(ms: bigint): Date | bigint {
    return dateOf(ms) ?? ms
  }

  override toAvro(value: unknown): bigint {
    return parseTimestamp(value, 3, 'Z')
  }
}

/** Text, because a Date has no digits for it. */
function timestamp(digits: number, zone: 'Z' | '') {
  return class extends Logical {
    protected override _fromValue(units: bigint): string | bigint {
      return timestampText(units, digits, zone) ?? units
    }

    override toAvro(value: unknown): bigint {
      return parseTimestamp(value, digits, zone)
    }
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

class Uuid extends Logical {
  readonly #fixed: boolean

  constructor(schema: AvroJson, options: object) {
    super(schema as never, options)
    const { type, size } = schema as Attributes
    if (type !== 'string' && !(type === 'fixed' && size === 16)) throw new Error('uuid')
    this.#fixed = type === 'fixed'
  }

  protected override _fromValue(value: string | Buffer): string {
    if (typeof value === 'string') return value
    const hex = value.toString('hex')
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  }

  override toAvro(value: unknown): string | Uint8Array {
    if (typeof value !== 'string' || !UUID.test(value)) throw new Mismatch(`expected a UUID, got ${kindOf(value)}`)
    return this.#fixed ? Buffer.from(value.replaceAll('-', ''), 'hex') : value
  }
}

type LogicalConstructor = new (schema: AvroJson, options: object) => Logical

/** The logical types, each with the underlying types that it may stand on. */
const KNOWN: { readonly [name: string]: readonly [on: readonly string[], type: LogicalConstructor] } = {
  decimal: [['bytes', 'fixed'], Decimal],
  date: [['int'], DateType as LogicalConstructor],
  'time-millis': [['int'], TimeMillis as LogicalConstructor],
  'time-micros': [['long'], TimeMicros as LogicalConstructor],
  'timestamp-millis': [['long'], TimestampMillis as LogicalConstructor],
  'timestamp-micros': [['long'], timestamp(6, 'Z') as LogicalConstructor],
  'timestamp-nanos': [['long'], timestamp(9, 'Z') as LogicalConstructor],
  'local-timestamp-millis': [['long'], timestamp(3, '') as LogicalConstructor],
  'local-timestamp-micros': [['long'], timestamp(6, '') as LogicalConstructor],
  'local-timestamp-nanos': [['long'], timestamp(9, '') as LogicalConstructor],
  uuid: [['string', 'fixed'], Uuid],
}

export const LOGICAL_TYPES = Object.fromEntries(Object.entries(KNOWN).map(([name, [, type]]) => [name, type]))

/** Whether a schema is a logical type as the specification has it; anything else is its underlying type. */
export function isLogical(schema: AvroJson): boolean {
  if (typeof schema !== 'object' || !('type' in schema) || typeof schema.logicalType !== 'string') return false
  const [on] = KNOWN[schema.logicalType] ?? []
  return on !== undefined && typeof schema.type === 'string' && on.includes(schema.type)
}
