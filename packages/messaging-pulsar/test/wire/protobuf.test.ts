import fc from 'fast-check'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { ByteReader } from '../../src/wire/byte-reader.ts'
import { commands } from '../../src/wire/commands.ts'
import {
  type Field,
  type MessageType,
  message,
  optional,
  repeated,
  required,
  text,
  uint64,
} from '../../src/wire/protobuf.ts'

type AnyType = MessageType<{ readonly [name: string]: Field<unknown> }>

/** The same message in protobufjs, which stands for all other implementations. */
function oracle(type: AnyType): protobuf.Type {
  const root = new protobuf.Root()
  const known = new Set<string>()
  const add = (one: AnyType): void => {
    if (known.has(one.name)) return
    known.add(one.name)
    const made = new protobuf.Type(one.name)
    for (const [name, { number, kind, rule }] of Object.entries(one.fields)) {
      const nested = 'fields' in kind
      if (nested) add(kind as AnyType)
      const scalar = kind.name === 'enum' ? 'int32' : kind.name
      // Repeated numbers are not packed in proto2.
      made.add(new protobuf.Field(name, number, nested ? kind.name : scalar, rule, undefined, { packed: false }))
    }
    root.add(made)
  }
  add(type)
  return root.lookupType(type.name)
}

function arbitrary(kind: Field<unknown>['kind']): fc.Arbitrary<unknown> {
  if ('fields' in kind) return valuesOf(kind as AnyType)
  switch (kind.name) {
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 80 })
    case 'bytes':
      return fc.uint8Array({ maxLength: 40 })
    case 'bool':
      return fc.boolean()
    case 'int32':
    case 'enum':
      return fc.integer()
    case 'uint32':
      return fc.nat({ max: 0xffff_ffff })
    default:
      // Whether the field is read as number or as bigint shows in what reading an example gives.
      return typeof kind.read(new ByteReader(Buffer.from([0]))) === 'number'
        ? fc.maxSafeNat()
        : kind.name === 'uint64'
          ? fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
          : fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  }
}

function valuesOf(type: AnyType): fc.Arbitrary<{ [name: string]: unknown }> {
  const shape: { [name: string]: fc.Arbitrary<unknown> } = {}
  for (const [name, { kind, rule }] of Object.entries(type.fields)) {
    shape[name] = rule === 'repeated' ? fc.array(arbitrary(kind), { maxLength: 3 }) : arbitrary(kind)
  }
  const requiredKeys = Object.entries(type.fields).filter(([, { rule }]) => rule !== 'optional')
  return fc.record(shape, { requiredKeys: requiredKeys.map(([name]) => name) }) as fc.Arbitrary<{
    [name: string]: unknown
  }>
}

/** Numbers as text, so that the oracle's numbers and ours compare. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint' || typeof value === 'number') return value.toString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) {
    if ('low' in value && 'high' in value) return String(value)
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]))
  }
  return value
}

/** protobufjs takes 64-bit numbers as Long or text. */
function forOracle(value: unknown): unknown {
  if (typeof value === 'bigint')
    return {
      low: Number(BigInt.asIntN(32, value)),
      high: Number(BigInt.asIntN(32, value >> 32n)),
      unsigned: false,
    }
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(forOracle)
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, forOracle(one)]))
}

describe('protobuf', () => {
  it.each(Object.entries(commands))('writes %s as protobufjs does, and reads it back', (_, command) => {
    const type = command as unknown as AnyType
    const reference = oracle(type)
    fc.assert(
      fc.property(valuesOf(type), value => {
        const written = type.encode(value as never)
        const expected = Buffer.from(reference.encode(reference.create(forOracle(value) as object)).finish())
        expect(written.toString('hex')).toBe(expected.toString('hex'))
        expect(plain(type.decode(new ByteReader(expected)))).toEqual(plain(value))
      }),
      { numRuns: 30 },
    )
  })

  it('passes over fields that it does not know', () => {
    const wide = message('Wide', { a: optional(1, text), b: optional(2, uint64), c: repeated(20, text) })
    const narrow = message('Narrow', { a: optional(1, text) })
    const bytes = wide.encode({ a: 'x', b: 2n ** 63n, c: ['y', 'z'] })
    expect(narrow.decode(new ByteReader(bytes))).toEqual({ a: 'x' })
  })

  it('refuses a message without a required field, and one that is cut', () => {
    const type = message('Cut', { a: required(1, text) })
    expect(() => type.decode(new ByteReader(Buffer.alloc(0)))).toThrow(/without a/)
    const bytes = type.encode({ a: 'hello' })
    expect(() => type.decode(new ByteReader(bytes.subarray(0, 4)))).toThrow(/middle of a field/)
  })
})
