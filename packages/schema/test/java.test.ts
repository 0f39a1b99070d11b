import { describe, expect, it } from 'vitest'
import { codecFor, fromSchemaData, toSchemaData } from '../src/index.ts'
import { javaBytes, javaSchema } from './fixtures/java-golden.ts'

const pojo = {
  age: null,
  color: 'GREEN',
  counts: { k: 5n },
  d: 0.1,
  id: 9007199254740993n,
  inner: { n: 7, s: 'x' },
  name: 'Ann',
  next: {
    age: null,
    color: null,
    counts: null,
    d: 0,
    id: 1n,
    inner: null,
    name: null,
    next: null,
    ok: false,
    raw: null,
    tags: null,
  },
  ok: true,
  raw: Buffer.from([0, 255]),
  tags: ['a', 'b'],
}

const codecOf = (name: string) => codecFor(fromSchemaData(javaSchema(name)))

describe("what Pulsar's Java client writes", () => {
  it.each([
    ['BOOLEAN', true],
    ['INT8', -2],
    ['INT16', -300],
    ['INT32', -70000],
    ['INT64', -9007199254740993n],
    ['FLOAT', 1.5],
    ['DOUBLE', -0.1],
    ['STRING', 'grüß'],
    ['DATE', new Date(1700000000123)],
    ['TIME', new Date(1700000000123)],
    ['TIMESTAMP', new Date(1700000000123)],
    ['INSTANT', '2023-11-14T22:13:20.123456789Z'],
    ['INSTANT.before', '1969-12-31T23:59:59.999999999Z'],
    ['LOCAL_DATE', '2024-02-29'],
    ['LOCAL_DATE.before', '1969-12-31'],
    ['LOCAL_TIME', '23:59:58.123456789'],
    ['LOCAL_DATE_TIME', '2024-02-29T23:59:58.123456789'],
    ['LOCAL_DATE_TIME.before', '1969-12-31T23:00:00.000000000'],
  ] as const)('%s reads as %o and is written the same', async (name, value) => {
    const codec = await codecFor({ type: name.replace('.before', '') as 'INT8' })
    expect(codec.decode(javaBytes(name))).toStrictEqual(value)
    expect(Buffer.from(codec.encode(value))).toEqual(javaBytes(name))
  })

  it('an Avro record: nested, recursive, with enum, map, list, bytes and 64-bit numbers', async () => {
    const codec = await codecOf('AVRO')
    expect(codec.decode(javaBytes('AVRO'))).toStrictEqual(pojo)
    expect(Buffer.from(codec.encode(pojo))).toEqual(javaBytes('AVRO'))
    const { age: _, ...rest } = pojo
    expect(Buffer.from(codec.encode(rest))).toEqual(javaBytes('AVRO'))
  })

  it('a JSON record, in which a number has all its digits', async () => {
    const codec = await codecOf('JSON')
    const value = codec.decode(javaBytes('JSON'))
    expect(value).toMatchObject({ name: 'Ann', id: 9007199254740993n, raw: 'AP8=', counts: { k: 5 } })
    expect(JSON.parse(Buffer.from(codec.encode(value)).toString())).toEqual(JSON.parse(javaBytes('JSON').toString()))
    expect(Buffer.from(codec.encode(value)).toString()).toContain('"id":9007199254740993,')
  })

  it('logical types, without losing a digit', async () => {
    const value = {
      amount: '12.30',
      big: '-12345678901234567890.0001',
      day: '2024-02-29',
      timeMillis: '23:59:58.123',
      timeMicros: '23:59:58.123456',
      millis: new Date(1700000000123),
      micros: '2023-11-14T22:13:20.123456Z',
      localMillis: '2024-02-29T23:59:58.123',
      id: '123e4567-e89b-12d3-a456-426614174000',
      union: { y: 'why' },
    }
    const codec = await codecOf('LOGICAL')
    expect(codec.decode(javaBytes('LOGICAL'))).toStrictEqual(value)
    expect(Buffer.from(codec.encode(value))).toEqual(javaBytes('LOGICAL'))
  })

  it('key and value in one payload, each of which may be null', async () => {
    const codec = await codecOf('INLINE')
    for (const [name, record] of [
      ['INLINE', { key: 'k1', value: pojo }],
      ['INLINE.nullKey', { key: null, value: pojo }],
      ['INLINE.nullValue', { key: 'k1', value: null }],
    ] as const) {
      expect(codec.decode(javaBytes(name))).toStrictEqual(record)
      expect(Buffer.from(codec.encode(record))).toEqual(javaBytes(name))
    }
  })

  it("key in the message's key, value in the payload", async () => {
    const codec = await codecOf('SEPARATED')
    const parts = { payload: javaBytes('SEPARATED'), key: javaBytes('SEPARATED.key') }
    expect(codec.keyValue?.decode(parts)).toStrictEqual({ key: pojo, value: 42 })
    const written = codec.keyValue?.encode({ key: pojo, value: 42 })
    expect(written).toEqual({ payload: parts.payload, key: parts.key })
    expect(codec.keyValue?.encode({ key: pojo, value: null }).payload).toBeNull()
  })

  const api = {
    name: 'svc',
    methods: [
      {
        name: 'm1',
        request_type_url: '',
        request_streaming: true,
        response_type_url: '',
        response_streaming: false,
        options: [],
        syntax: 'SYNTAX_PROTO2',
      },
    ],
    options: [],
    version: 'v1',
    source_context: { file_name: 'f.proto' },
    mixins: [],
    syntax: 'SYNTAX_PROTO3',
  }

  it('Protobuf by its descriptors: names of the .proto file, enums by name, absent fields with their defaults', async () => {
    const codec = await codecOf('PROTOBUF_NATIVE')
    expect(codec.decode(javaBytes('PROTOBUF_NATIVE'))).toStrictEqual(api)
    expect(Buffer.from(codec.encode(api))).toEqual(javaBytes('PROTOBUF_NATIVE'))
    const { source_context: _, ...without } = api
    expect(codec.decode(codec.encode(without))).toStrictEqual(without)
  })

  it('Protobuf described by Avro: what the description does not tell stays bytes and numbers', async () => {
    const codec = await codecOf('PROTOBUF')
    const value = codec.decode(javaBytes('PROTOBUF'))
    expect(value).toMatchObject({ name: 'svc', version: 'v1', syntax: 1 })
    expect((value as { methods: unknown }).methods).toEqual([new Uint8Array([10, 2, 109, 49, 24, 1])])
    expect(Buffer.from(codec.encode(value))).toEqual(javaBytes('PROTOBUF'))
  })

  it.each(['AVRO', 'JSON', 'INLINE', 'SEPARATED', 'PROTOBUF_NATIVE', 'PROTOBUF'])(
    'the %s schema itself goes back to the broker as it came',
    name => {
      const from = javaSchema(name)
      const back = toSchemaData(fromSchemaData(from, '7'))
      expect({ ...back, data: hexOf(back.data) }).toEqual({
        ...from,
        data: hexOf(from.data),
      })
    },
  )
})

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
