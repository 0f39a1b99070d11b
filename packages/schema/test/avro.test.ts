import type { SchemaInfo } from '@pulsar-io/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codecFor } from '../src/index.ts'

const codecOf = (definition: unknown) =>
  codecFor({ type: 'AVRO', definition: JSON.stringify(definition) } as SchemaInfo)
const record = (...fields: readonly unknown[]) => ({ type: 'record', name: 'R', fields })

const message = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

describe('Avro', () => {
  it('reads back numbers of 64 bits, decimals and microseconds exactly', async () => {
    const codec = await codecOf(
      record(
        { name: 'long', type: 'long' },
        { name: 'decimal', type: { type: 'bytes', logicalType: 'decimal', precision: 30, scale: 6 } },
        { name: 'micros', type: { type: 'long', logicalType: 'timestamp-micros' } },
      ),
    )
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.bigInt({ min: -(10n ** 29n), max: 10n ** 29n }),
        (long, units) => {
          const digits = String(units < 0n ? -units : units).padStart(7, '0')
          const decimal = `${units < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`
          const value = { long, decimal, micros: long }
          const read = codec.decode(codec.encode(value)) as { readonly long: bigint; readonly decimal: string }
          expect(read.long).toBe(long)
          expect(read.decimal).toBe(decimal)
          // The time reads as text, and what no calendar holds as its number: both are written back as they came.
          expect(codec.encode(read)).toEqual(codec.encode(value))
        },
      ),
    )
  })

  it('reads any union bare, and chooses the branch that a value is', async () => {
    const codec = await codecOf({
      type: 'array',
      items: [
        'null',
        'boolean',
        'int',
        'long',
        'double',
        'string',
        'bytes',
        { type: 'array', items: 'int' },
        { type: 'record', name: 'A', fields: [{ name: 'x', type: 'int' }] },
        { type: 'record', name: 'B', fields: [{ name: 'y', type: ['null', 'A'] }] },
      ],
    })
    const values = [null, true, 5, 5n, 2n ** 40n, 1.5, 'text', Buffer.from('b'), [1], { x: 1 }, { y: { x: 2 } }]
    expect(codec.decode(codec.encode(values))).toStrictEqual(values)
  })

  it('fills in what a record leaves out: null, or its default', async () => {
    const codec = await codecOf(
      record(
        { name: 'a', type: ['string', 'null'] },
        { name: 'b', type: 'int', default: 7 },
        { name: 'c', type: ['null', 'long'], default: null },
      ),
    )
    expect(codec.decode(codec.encode({}))).toStrictEqual({ a: null, b: 7, c: null })
    expect(codec.decode(codec.encode({ a: 'x', b: 8, c: 9 }))).toStrictEqual({ a: 'x', b: 8, c: 9n })
  })

  it('takes what JSON has for bytes, longs and logical types', async () => {
    const codec = await codecOf(
      record(
        { name: 'raw', type: 'bytes' },
        { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
        { name: 'price', type: { type: 'fixed', name: 'P', size: 4, logicalType: 'decimal', precision: 8, scale: 3 } },
        { name: 'day', type: ['null', { type: 'int', logicalType: 'date' }] },
      ),
    )
    const from = { raw: 'AP8=', at: '2024-02-29T12:00:00+02:00', price: -1.5, day: '2024-02-29' }
    expect(codec.decode(codec.encode(from))).toStrictEqual({
      raw: Buffer.from([0, 255]),
      at: new Date('2024-02-29T10:00:00Z'),
      price: '-1.500',
      day: '2024-02-29',
    })
  })

  it('names the place of what does not fit, and never the value', async () => {
    const codec = await codecOf(
      record({
        name: 'lines',
        type: {
          type: 'array',
          items: {
            type: 'record',
            name: 'Line',
            fields: [
              { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 } },
              { name: 'kind', type: { type: 'enum', name: 'K', symbols: ['A', 'B'] }, default: 'A' },
            ],
          },
        },
      }),
    )
    const start = 'value does not fit the AVRO schema: '
    expect(message(() => codec.encode({ lines: [{ price: '1.00' }, { price: '1.005' }] }))).toBe(
      `${start}lines[1].price: has more than 2 digits behind the point`,
    )
    expect(message(() => codec.encode({ lines: [{ price: '123.00' }] }))).toBe(
      `${start}lines[0].price: has more than 4 digits`,
    )
    expect(message(() => codec.encode({ lines: [{}] }))).toBe(`${start}lines[0].price: is required, and there is none`)
    expect(message(() => codec.encode({ lines: [{ price: '1', kind: 'C' }] }))).toBe(
      `${start}lines[0].kind: must be one of A, B`,
    )
    expect(message(() => codec.encode({ lines: [], line: 1 }))).toBe(
      `${start}line: the schema has no such field; did you mean lines?`,
    )
    expect(message(() => codec.encode({ lines: 'secret' }))).toBe(`${start}lines: expected a list, got text`)
  })

  it('refuses bytes that are not of the schema', async () => {
    const codec = await codecOf(record({ name: 'a', type: 'string' }))
    for (const bytes of [[], [200, 1, 97], [2, 97, 0]]) {
      expect(message(() => codec.decode(Buffer.from(bytes)))).toMatch(/^message does not match its AVRO schema: /)
    }
  })

  it('reads definitions that Java makes: nested type objects, $ in names, defaults of the wrong type', async () => {
    const codec = await codecOf({
      type: 'record',
      name: 'Outer$Inner',
      namespace: 'com.example.Outer$',
      fields: [
        { name: 'text', type: { type: 'string', 'avro.java.string': 'String' } },
        { name: 'wrong', type: 'int', default: 'none' },
        { name: 'more', type: { type: { type: 'array', items: { type: 'long' } } } },
        { name: 'self', type: ['null', 'Outer$Inner'], default: null },
        { name: 'odd', type: { type: 'string', logicalType: 'decimal' } },
      ],
    })
    const value = { text: 'a', wrong: 1, more: [1n], self: null, odd: 'x' }
    expect(codec.decode(codec.encode(value))).toStrictEqual(value)
  })

  it('hands out bytes that outlive the message', async () => {
    const codec = await codecOf('bytes')
    const payload = Buffer.from(codec.encode(Buffer.from('keep')))
    const value = codec.decode(payload)
    payload.fill(0)
    expect(value).toEqual(Buffer.from('keep'))
  })
})
