import { ConfigError, type SchemaInfo } from '@pulsar-io/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codecFor } from '../src/index.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

describe('codecs of bytes, text and JSON', () => {
  it('read back what they wrote', async () => {
    const json = await codecFor({ type: 'JSON' })
    const string = await codecFor({ type: 'STRING' })
    const raw = await codecFor(undefined)
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'grapheme' }), fc.uint8Array(), (value, string_, payload) => {
        expect(text(json.encode(json.decode(json.encode(value))))).toBe(JSON.stringify(value))
        expect(string.decode(string.encode(string_))).toBe(string_)
        expect(raw.decode(raw.encode(payload))).toEqual(payload)
      }),
    )
  })

  it('write text and objects into a topic without schema as UTF-8 and JSON', async () => {
    expect((await codecFor(undefined)).encode('grüß')).toEqual(Buffer.from('grüß'))
    expect((await codecFor({ type: 'BYTES' })).encode({ a: 1 })).toEqual(Buffer.from('{"a":1}'))
  })

  it('refuse what does not fit, as an error of the record', async () => {
    const json = await codecFor({ type: 'JSON' })
    const string = await codecFor({ type: 'STRING' })
    expect(refusal(() => json.decode(Buffer.from('{"a":')))).toMatchObject({
      code: 'PIO_SCHEMA_DECODE',
      retry: 'reject',
    })
    expect(refusal(() => string.decode(new Uint8Array([0xff])))).toMatchObject({ code: 'PIO_SCHEMA_DECODE' })
    expect(refusal(() => string.encode(5))).toMatchObject({ code: 'PIO_SCHEMA_ENCODE', retry: 'reject' })
    expect(refusal(() => json.encode(undefined))).toMatchObject({ code: 'PIO_SCHEMA_ENCODE' })
    await expect(codecFor({ type: 'CSV' as 'JSON' })).rejects.toMatchObject({ code: 'PIO_SCHEMA_TYPE', retry: 'stop' })
  })

  it('keep numbers, bytes and dates of JSON exact', async () => {
    const json = await codecFor({ type: 'JSON' })
    const value = { small: 5n, big: 2n ** 60n, at: new Date(0), raw: Buffer.from('x'), view: new Uint8Array([1]) }
    expect(text(json.encode(value))).toBe(
      '{"small":5,"big":1152921504606846976,"at":"1970-01-01T00:00:00.000Z","raw":"eA==","view":"AQ=="}',
    )
    expect(json.decode(json.encode({ big: -(2n ** 63n), near: 2 ** 53 - 1, text: '1234567890123456789' }))).toEqual({
      big: -(2n ** 63n),
      near: 2 ** 53 - 1,
      text: '1234567890123456789',
    })
  })

  it('take NONE and AUTO_CONSUME for bytes', async () => {
    for (const type of ['NONE', 'AUTO_CONSUME'] as const) {
      expect((await codecFor({ type })).decode(Buffer.from('x'))).toEqual(Buffer.from('x'))
    }
  })
})

describe('primitives', () => {
  it.each([
    ['INT8', fc.integer({ min: -128, max: 127 })],
    ['INT64', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
    ['DOUBLE', fc.double()],
    ['DATE', fc.date({ noInvalidDate: true })],
    ['BOOLEAN', fc.boolean()],
  ] as const)('%s reads back what it wrote', async (type, values) => {
    const codec = await codecFor({ type })
    fc.assert(
      fc.property(values as fc.Arbitrary<unknown>, value => {
        expect(codec.decode(codec.encode(value))).toStrictEqual(value)
      }),
    )
  })

  it('INSTANT and LOCAL_DATE_TIME read back each nanosecond', async () => {
    const instant = await codecFor({ type: 'INSTANT' })
    const local = await codecFor({ type: 'LOCAL_DATE_TIME' })
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), nanos => {
        expect(instant.encode(instant.decode(instant.encode(nanos)))).toEqual(instant.encode(nanos))
        expect(local.encode(local.decode(local.encode(nanos)))).toEqual(local.encode(nanos))
      }),
    )
  })

  it('refuse other lengths, other types and what does not fit', async () => {
    const short = await codecFor({ type: 'INT16' })
    expect(refusal(() => short.decode(Buffer.alloc(3)))).toMatchObject({
      code: 'PIO_SCHEMA_DECODE',
      message: 'message does not match its INT16 schema: expected 2 bytes, got 3',
    })
    expect(refusal(() => short.encode(40000))).toMatchObject({ code: 'PIO_SCHEMA_ENCODE' })
    expect(refusal(() => short.encode('7'))).toMatchObject({ message: expect.stringContaining('got text') })
    const day = await codecFor({ type: 'LOCAL_DATE' })
    expect(refusal(() => day.encode('2023-02-29'))).toMatchObject({ code: 'PIO_SCHEMA_ENCODE' })
    const time = await codecFor({ type: 'LOCAL_TIME' })
    expect(refusal(() => time.decode(Buffer.alloc(8, 0xff)))).toMatchObject({ code: 'PIO_SCHEMA_DECODE' })
  })
})

describe('codecFor', () => {
  const avro = (field: string): SchemaInfo => ({
    type: 'AVRO',
    definition: JSON.stringify({ type: 'record', name: 'R', fields: [{ name: field, type: 'int' }] }),
  })

  it('compiles a definition once, whichever object and version it comes in', async () => {
    expect(await codecFor({ ...avro('a'), version: '1' })).toBe(await codecFor({ ...avro('a'), version: '2' }))
    expect(await codecFor(avro('a'))).not.toBe(await codecFor(avro('b')))
  })

  it('forgets the one that was asked for longest ago', async () => {
    const first = await codecFor(avro('first'))
    for (let i = 0; i < 300; i++) await codecFor({ type: 'STRING', name: `n${i}` })
    expect(await codecFor(avro('first'))).not.toBe(first)
  })

  it.each([
    [{ type: 'AVRO' }, 'it has none'],
    [{ type: 'AVRO', definition: '{"type":"record"}' }, 'AVRO'],
    [{ type: 'AVRO', definition: 'oops' }, 'AVRO'],
    [{ type: 'PROTOBUF_NATIVE', definition: '{}' }, 'fileDescriptorSet'],
    [{ type: 'PROTOBUF' }, '__PARSING_INFO__'],
    [{ type: 'KEY_VALUE' }, 'key and value'],
  ] as const)('stops at a definition that cannot be used: %o', async (schema, part) => {
    const error: unknown = await codecFor(schema as SchemaInfo).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ConfigError)
    expect(error).toMatchObject({ code: 'PIO_SCHEMA_DEFINITION', message: expect.stringContaining(part) })
  })
})

function refusal(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}
