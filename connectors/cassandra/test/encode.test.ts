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
})
