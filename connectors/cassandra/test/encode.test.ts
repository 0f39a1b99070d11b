import { types } from 'cassandra-driver'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CqlType, parseType } from '../src/cql-type.ts'
import { encode } from '../src/encode.ts'
import { unsignedVint, zigzagVint } from '../src/vint.ts'

const type = (text: string): CqlType => parseType(text)

describe('types', () => {
  it('are read with all their parts', () => {
    const users = new Map([['a "b"', [['f', 'frozen<map<text, int>>'] as const]]])
    expect(parseType('map<text, frozen<tuple<int, list<"a ""b""">>>>', users)).toMatchObject({
      kind: 'map',
      frozen: false,
      key: { kind: 'text' },
      value: {
        kind: 'tuple',
        elements: [
          { kind: 'int' },
          { kind: 'list', element: { kind: 'udt', fields: [{ name: 'f', type: { kind: 'map', frozen: true } }] } },
        ],
      },
    })
    expect(type('vector<float, 3>')).toMatchObject({ kind: 'vector', length: 3, element: { kind: 'float' } })
    expect(type('frozen<list<int>>')).toMatchObject({ kind: 'list', frozen: true })
    expect(type("'org.apache.cassandra.db.marshal.DynamicCompositeType(a=>b)'")).toMatchObject({ kind: 'custom' })
  })
})

/** The driver reads what is encoded here: another implementation of the same bytes. */
describe('encoding', () => {
  it('of whole numbers of any size is two’s complement in as few bytes as it takes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), value => {
        const bytes = encode(value, type('varint'))
        expect(types.Integer.fromBuffer(bytes as never).toString()).toBe(String(value))
      }),
    )
  })

  it('of decimals keeps every digit', () => {
    const decimal = fc.tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: 0, max: 25 }))
    fc.assert(
      fc.property(decimal, ([unscaled, scale]) => {
        const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
        const whole = digits.slice(0, digits.length - scale)
        const text = `${unscaled < 0n ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`
        const read = types.BigDecimal.fromBuffer(encode(text, type('decimal')))
        expect(read.equals(types.BigDecimal.fromString(text))).toBe(true)
      }),
    )
  })

  it('of numbers of variable length is what the protocol says', () => {
    expect(unsignedVint(0n)).toEqual(Buffer.from([0]))
    expect(unsignedVint(127n)).toEqual(Buffer.from([0x7f]))
    expect(unsignedVint(128n)).toEqual(Buffer.from([0x80, 0x80]))
    expect(unsignedVint(2n ** 64n - 1n)).toEqual(Buffer.alloc(9, 0xff))
    expect(zigzagVint(-1n)).toEqual(Buffer.from([1]))
    expect(zigzagVint(256_000n)).toEqual(Buffer.from([0xc7, 0xd0, 0x00]))
  })

  it('of durations is what the driver makes of them', () => {
    const span = fc.tuple(
      fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      fc.bigInt({ min: 0n, max: 2n ** 53n }),
    )
    fc.assert(
      fc.property(span, fc.boolean(), ([months, days, nanos], negative) => {
        const sign = negative ? -1 : 1
        const given = { months: months * sign, days: days * sign, nanoseconds: nanos * BigInt(sign) }
        const read = types.Duration.fromBuffer(encode(given, type('duration')))
        const own = new types.Duration(given.months, given.days, types.Long.fromString(String(given.nanoseconds)))
        expect(read.equals(own)).toBe(true)
      }),
    )
  })

  it('of addresses is what the driver makes of them', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6().filter(text => !text.includes('.')),
        ),
        text => {
          const own = types.InetAddress.fromString(text)
          expect(encode(text, type('inet'))).toEqual(own.getBuffer())
        },
      ),
    )
  })

  it('of many values leaves each as it was made, wherever it begins and ends in memory', () => {
    const values = Array.from({ length: 20_000 }, (_, i) => [i, -i, i * 2])
    const encoded = values.map(value => encode(value, type('list<int>')))
    const expected = values.map(value => {
      const bytes = Buffer.alloc(28)
      const parts = [value.length, ...value.flatMap(number => [4, number])]
      for (const [i, number] of parts.entries()) bytes.writeInt32BE(number, i * 4)
      return bytes
    })
    expect(Buffer.concat(encoded).equals(Buffer.concat(expected))).toBe(true)
  })

  it('of large parts and of small ones is the same', () => {
    const large = ['a', 'ö'.repeat(100_000), 'b'.repeat(65_536)]
    const parts = large.flatMap(text => [Buffer.alloc(4), Buffer.from(text)])
    for (const [i, part] of parts.entries()) if (i % 2 === 0) part.writeInt32BE(parts[i + 1]?.length ?? 0)
    const list = Buffer.concat([Buffer.from([0, 0, 0, 3]), ...parts])
    expect(encode(large, type('list<text>')).equals(list)).toBe(true)
    const bytes = large.map(text => Buffer.from(text))
    expect(encode(bytes, type('list<blob>')).equals(list)).toBe(true)
    const vector = bytes.flatMap(text => [unsignedVint(BigInt(text.length)), text])
    expect(encode(large, type('vector<text, 3>')).equals(Buffer.concat(vector))).toBe(true)
  })

  it('of a value that does not fit leaves nothing behind', () => {
    expect(() => encode([1, 'x'], type('list<int>'))).toThrow('int takes whole numbers, got "x"')
    expect(encode([1], type('list<int>'))).toEqual(Buffer.from([0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 1]))
  })

  it('of days reaches as far as the type, and no further', () => {
    expect(encode(-(2 ** 31), type('date'))).toEqual(Buffer.from([0, 0, 0, 0]))
    expect(encode(0, type('date'))).toEqual(Buffer.from([0x80, 0, 0, 0]))
    expect(encode(2 ** 31 - 1, type('date'))).toEqual(Buffer.from([0xff, 0xff, 0xff, 0xff]))
    for (const days of [2 ** 31, -(2 ** 31) - 1]) expect(() => encode(days, type('date'))).toThrow('date takes')
  })
})
