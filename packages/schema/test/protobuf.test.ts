import fc from 'fast-check'
import protobuf from 'protobufjs'
import descriptor from 'protobufjs/ext/descriptor.js'
import { describe, expect, it } from 'vitest'
import { codecFor } from '../src/index.ts'

const PROTO = `
syntax = "proto3";
package shop;
message Order {
  int64 id = 1;
  uint64 stamp = 2;
  optional int32 count = 3;
  repeated sint64 steps = 4;
  map<string, Line> lines = 5;
  map<int64, string> notes = 6;
  bytes raw = 7;
  Kind kind = 8;
  oneof paid { string card = 9; bool cash = 10; }
  Order parent = 11;
  enum Kind { NONE = 0; BIG = 1; }
  message Line { double price = 1; fixed64 ref = 2; }
}`

/** The definition as Pulsar keeps it. */
function native() {
  const { root } = protobuf.parse(PROTO, { keepCase: true })
  root.resolveAll()
  const set = root.toDescriptor('proto3')
  return codecFor({
    type: 'PROTOBUF_NATIVE',
    definition: JSON.stringify({
      fileDescriptorSet: Buffer.from(descriptor.FileDescriptorSet.encode(set).finish()).toString('base64'),
      rootMessageTypeName: 'shop.Order',
      rootFileDescriptorName: 'shop.proto',
    }),
  })
}

const empty = { id: 0n, stamp: 0n, steps: [], lines: {}, notes: {}, raw: new Uint8Array(), kind: 'NONE' }

describe('Protobuf', () => {
  it('reads back numbers of 64 bits in every place', async () => {
    const codec = await native()
    const signed = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    const unsigned = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
    fc.assert(
      fc.property(signed, unsigned, fc.array(signed), (id, stamp, steps) => {
        const value = {
          ...empty,
          id,
          stamp,
          steps,
          notes: { [String(id)]: 'n' },
          lines: { a: { price: 1, ref: stamp } },
        }
        expect(codec.decode(codec.encode(value))).toStrictEqual(value)
      }),
    )
  })

  it('leaves out a field with presence that is not there, and keeps one that is there with its default', async () => {
    const codec = await native()
    expect(codec.decode(codec.encode({}))).toStrictEqual(empty)
    const value = { ...empty, count: 0, cash: false, parent: empty, kind: 'BIG', raw: new Uint8Array([1]) }
    expect(codec.decode(codec.encode(value))).toStrictEqual(value)
  })

  it('names the place of what does not fit', async () => {
    const codec = await native()
    const message = (value: unknown): string => {
      try {
        codec.encode(value)
      } catch (error) {
        return (error as Error).message.replace('value does not fit the PROTOBUF_NATIVE schema: ', '')
      }
      return ''
    }
    expect(message({ id: 'x' })).toBe('id: expected a whole number of 64 bits, got text')
    expect(message({ stamp: -1n })).toMatch(/^stamp: /)
    expect(message({ lines: { a: { price: 'x' } } })).toBe('lines.a.price: expected a number, got text')
    expect(message({ kind: 'HUGE' })).toBe('kind: must be one of NONE, BIG')
    expect(message({ steps: [1, 2.5] })).toMatch(/^steps\[1\]: /)
    expect(message({ notes: { x: 'n' } })).toBe('notes.x: expected a whole number as the key')
    expect(message({ cont: 1 })).toBe('cont: the schema has no such field; did you mean count?')
  })

  it('refuses bytes that are no message', async () => {
    const codec = await native()
    expect(() => codec.decode(Buffer.from([10, 200]))).toThrow(/^message does not match its PROTOBUF_NATIVE schema: /)
  })

  it('keeps the number of an enum that the schema has no name for', async () => {
    const codec = await native()
    expect(codec.decode(Buffer.from([64, 9]))).toMatchObject({ kind: 9 })
    expect(codec.encode({ kind: 9 })).toEqual(Buffer.from([64, 9]))
  })
})
