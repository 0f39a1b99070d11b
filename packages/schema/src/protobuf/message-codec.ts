import type { SchemaInfo } from '@pulsar-io/sdk'
import { closest } from '@pulsar-io/sdk/core'
import protobuf, { type Enum, type Field, type Type } from 'protobufjs/light.js'
import { fromBase64 } from '../bytes.ts'
import type { Codec } from '../codec.ts'
import { decodeError, encodeError, inside, kindOf, Mismatch } from '../mismatch.ts'
import { wholeNumber } from '../whole-number.ts'

type Convert = (value: unknown) => unknown

/** How a message becomes a plain object and back. */
interface Shape {
  read(message: { readonly [name: string]: unknown }): unknown
  write(value: unknown): { [name: string]: unknown }
}

/**
 * The codec of one message type: plain objects with the names of the `.proto` file, bigint for 64 bits, enums by name.
 * `hasPresence`: whether a field that is not there is left out; else it has its default.
 */
export function messageCodec(schema: SchemaInfo, type: Type, hasPresence: (field: Field) => boolean): Codec {
  const shape = new Shapes(hasPresence).of(type)
  return {
    schema,
    encode: value => {
      try {
        return type.encode(shape.write(value)).finish()
      } catch (error) {
        throw encodeError(schema.type, error)
      }
    },
    decode: payload => {
      try {
        return shape.read(type.decode(payload) as unknown as { readonly [name: string]: unknown })
      } catch (error) {
        throw decodeError(schema.type, error)
      }
    },
  }
}

class Shapes {
  readonly #hasPresence: (field: Field) => boolean
  readonly #made = new Map<Type, Shape>()

  constructor(hasPresence: (field: Field) => boolean) {
    this.#hasPresence = hasPresence
  }

  of(type: Type): Shape {
    const made = this.#made.get(type)
    if (made) return made
    // A recursive type meets itself before it is made.
    let read: Shape['read'] = () => undefined
    let write: Shape['write'] = () => ({})
    this.#made.set(type, { read: message => read(message), write: value => write(value) })
    const fields = type.fieldsArray.map(field => ({
      name: field.name,
      required: field.required,
      present: this.#hasPresence(field.resolve()),
      ...this.#field(field),
    }))
    const names = fields.map(({ name }) => name)
    read = message => {
      const out: { [name: string]: unknown } = {}
      for (const { name, present, toPlain } of fields) {
        if (!present || Object.hasOwn(message, name)) out[name] = toPlain(message[name])
      }
      return out
    }
    write = value => {
      if (!isFields(value)) throw new Mismatch(`expected an object, got ${kindOf(value)}`)
      const out: { [name: string]: unknown } = {}
      for (const { name, required, fromPlain } of fields) {
        const part = value[name]
        if (part === undefined || part === null) {
          if (required) throw new Mismatch('is required, and there is none').within(name)
          continue
        }
        try {
          out[name] = fromPlain(part)
        } catch (error) {
          return inside(name, error)
        }
      }
      for (const name in value) {
        if (type.fields[name] !== undefined || value[name] === undefined) continue
        const guess = closest(name, names)
        throw new Mismatch(`the schema has no such field${guess ? `; did you mean ${guess}?` : ''}`).within(name)
      }
      return out
    }
    return { read, write }
  }

  #field(field: Field): { readonly toPlain: Convert; readonly fromPlain: Convert } {
    const toPlain = this.#toPlain(field)
    const fromPlain = this.#fromPlain(field)
    if (field instanceof protobuf.MapField) {
      const { keyType } = field
      if (!is64Bit(keyType)) {
        return { toPlain: value => entries(value, toPlain), fromPlain: value => entries(value, fromPlain) }
      }
      return {
        toPlain: value => entries(value, toPlain, hash => keyText(hash, keyType)),
        fromPlain: value => entries(value, fromPlain, text => keyHash(text, keyType)),
      }
    }
    if (!field.repeated) return { toPlain, fromPlain }
    return { toPlain: value => list(value, toPlain), fromPlain: value => list(value, fromPlain) }
  }

  #toPlain(field: Field): Convert {
    const { resolvedType, type } = field
    if (resolvedType instanceof protobuf.Type) {
      const shape = this.of(resolvedType)
      return value => shape.read(value as { readonly [name: string]: unknown })
    }
    // A number that the schema has no name for stays a number.
    if (resolvedType instanceof protobuf.Enum) return value => resolvedType.valuesById[value as number] ?? value
    if (is64Bit(type)) return value => toBigint(value, type)
    // The decoder hands out a view of the payload, which is not ours for long.
    if (type === 'bytes') return value => Uint8Array.from(value as Uint8Array)
    return value => value
  }

  #fromPlain(field: Field): Convert {
    const { resolvedType, type } = field
    if (resolvedType instanceof protobuf.Type) {
      const shape = this.of(resolvedType)
      return value => shape.write(value)
    }
    if (resolvedType instanceof protobuf.Enum) return value => enumNumber(resolvedType, value)
    return SCALARS[type] ?? (value => value)
  }
}

function list(value: unknown, convert: Convert): unknown[] {
  if (!Array.isArray(value)) throw new Mismatch(`expected a list, got ${kindOf(value)}`)
  return value.map((part, i) => {
    try {
      return convert(part)
    } catch (error) {
      return inside(i, error)
    }
  })
}

function entries(value: unknown, convert: Convert, key: (key: string) => string = text => text): object {
  if (!isFields(value)) throw new Mismatch(`expected an object, got ${kindOf(value)}`)
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => {
      try {
        return [key(name), convert(part)]
      } catch (error) {
        return inside(name, error)
      }
    }),
  )
}

/** protobufjs keeps the keys of a map with 64-bit keys as eight characters of their bits. */
function keyText(hash: string, type: string): string {
  return toBigint(protobuf.util.longFromHash(hash, isUnsigned(type)), type).toString()
}

function keyHash(text: string, type: string): string {
  if (!/^-?\d+$/.test(text)) throw new Mismatch('expected a whole number as the key')
  return protobuf.util.longToHash(long(BigInt(text), isUnsigned(type)) as never)
}

function is64Bit(type: string): boolean {
  return /64$/.test(type)
}

function isUnsigned(type: string): boolean {
  return type === 'uint64' || type === 'fixed64'
}

function toBigint(value: unknown, type: string): bigint {
  if (typeof value === 'number') return BigInt(value)
  const { low, high } = value as { readonly low: number; readonly high: number }
  const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
  return isUnsigned(type) ? bits : BigInt.asIntN(64, bits)
}

function enumNumber(type: Enum, value: unknown): number {
  const number = typeof value === 'string' ? type.values[value] : value
  if (typeof number === 'number' && Number.isInteger(number)) return number
  throw new Mismatch(`must be one of ${Object.keys(type.values).join(', ')}`)
}

const SCALARS: { readonly [type: string]: Convert } = {
  double: float,
  float,
  int32: value => whole(value, -(2 ** 31), 2 ** 31 - 1),
  sint32: value => whole(value, -(2 ** 31), 2 ** 31 - 1),
  sfixed32: value => whole(value, -(2 ** 31), 2 ** 31 - 1),
  uint32: value => whole(value, 0, 2 ** 32 - 1),
  fixed32: value => whole(value, 0, 2 ** 32 - 1),
  int64: value => long(value, false),
  sint64: value => long(value, false),
  sfixed64: value => long(value, false),
  uint64: value => long(value, true),
  fixed64: value => long(value, true),
  bool: value => {
    if (typeof value !== 'boolean') throw new Mismatch(`expected true or false, got ${kindOf(value)}`)
    return value
  },
  string: value => {
    if (typeof value !== 'string') throw new Mismatch(`expected text, got ${kindOf(value)}`)
    return value
  },
  bytes: value => {
    const found = typeof value === 'string' ? fromBase64(value) : value
    if (!(found instanceof Uint8Array)) throw new Mismatch(`expected bytes or base64, got ${kindOf(value)}`)
    return found
  },
}

function float(value: unknown): number {
  if (typeof value !== 'number') throw new Mismatch(`expected a number, got ${kindOf(value)}`)
  return value
}

function whole(value: unknown, from: number, to: number): number {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number) || number < from || number > to) {
    throw new Mismatch(`expected a whole number from ${from} to ${to}, got ${kindOf(value)}`)
  }
  return number
}

function long(value: unknown, unsigned: boolean): unknown {
  const number = wholeNumber(value)
  if (typeof number !== 'bigint' || (unsigned ? BigInt.asUintN(64, number) : BigInt.asIntN(64, number)) !== number) {
    throw new Mismatch(`expected a whole number of 64 bits, got ${kindOf(value)}`)
  }
  return { low: Number(BigInt.asIntN(32, number)), high: Number(BigInt.asIntN(32, number >> 32n)), unsigned }
}

function isFields(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}
