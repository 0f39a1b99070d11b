import { service } from '@pulsar-io/tooling/services'
import type { types } from 'cassandra-driver'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Server } from '../server.ts'
import { codes, failure, openSink, recordsOf } from '../support.ts'

const cassandra = await service('cassandra')

const UUID = '123e4567-e89b-42d3-a456-426614174000'
const TIMEUUID = '5ca7a5a0-e5b5-11f1-bf29-097074a6fdc1'
const text = (value: unknown) => String(value)

/** Type, what a record holds, and what the server then has, as the driver reads it or as `read` makes of that. */
const CASES: readonly (readonly [type: string, given: unknown, stored: unknown, read?: (value: unknown) => unknown])[] =
  [
    ['int', -2_147_483_648, -2_147_483_648],
    ['int', '17', 17],
    ['tinyint', -128, -128],
    ['smallint', 32_767, 32_767],
    ['bigint', 9_223_372_036_854_775_807n, 9_223_372_036_854_775_807n],
    ['bigint', 42, 42n],
    ['varint', -(2n ** 100n), -(2n ** 100n)],
    ['varint', 128, 128n],
    ['decimal', '-12345678901234567890.0001', '-12345678901234567890.0001', text],
    ['decimal', 12.5, '12.5', text],
    ['decimal', '1e-7', '0.0000001', value => Number(text(value)).toFixed(7)],
    ['float', 1.5, 1.5],
    ['double', 0.1, 0.1],
    ['double', 'NaN', Number.NaN],
    ['boolean', true, true],
    ['boolean', 'false', false],
    ['text', 'grüße 🙂 \u0000', 'grüße 🙂 \u0000'],
    ['text', 12, '12'],
    ['text', { a: [1, 2n ** 60n] }, '{"a":[1,1152921504606846976]}'],
    ['ascii', 'plain', 'plain'],
    ['blob', new Uint8Array([0, 1, 255]), '0001ff', value => (value as Buffer).toString('hex')],
    ['blob', 'AAH/', '0001ff', value => (value as Buffer).toString('hex')],
    ['blob', '0x0001ff', '0001ff', value => (value as Buffer).toString('hex')],
    ['uuid', UUID, UUID, text],
    ['timeuuid', TIMEUUID, TIMEUUID, text],
    ['timestamp', new Date('2024-02-29T23:59:58.123Z'), new Date('2024-02-29T23:59:58.123Z')],
    ['timestamp', '2024-02-29T23:59:58.123456+02:00', new Date('2024-02-29T21:59:58.123Z')],
    ['timestamp', -1, new Date(-1)],
    ['date', '2024-02-29', '2024-02-29', text],
    ['date', '0044-03-15', '0044-03-15', text],
    ['date', new Date('1969-12-31T23:00:00Z'), '1969-12-31', text],
    ['time', '23:59:58.123456789', '23:59:58.123456789', text],
    ['duration', '1y2mo3w4d5h6m7s8ms9us10ns', '1y2mo25d5h6m7s8ms9us10ns', text],
    ['duration', 'P1Y2M3DT4H5M6.5S', '1y2mo3d4h5m6s500ms', text],
    ['duration', '-2d', '-2d', text],
    ['duration', { months: 1, days: 300, nanoseconds: 2n ** 40n }, '1mo300d18m19s511ms627us776ns', text],
    ['inet', '10.1.2.3', '10.1.2.3', text],
    ['inet', '2001:db8::ff00:42:8329', '2001:db8::ff00:42:8329', text],
    ['inet', '::ffff:10.0.0.1', '::ffff:a00:1', text],
    ['frozen<list<int>>', [3, 1, 3], [3, 1, 3]],
    ['set<text>', ['b', 'a', 'b'], new Set(['a', 'b'])],
    ['map<int, text>', { 2: 'two', 1: 'one' }, new Map([[1, 'one'], [2, 'two']])], // biome-ignore format: one case, one line
    ['map<text, frozen<list<double>>>', new Map([['a', [0.5]]]), new Map([['a', [0.5]]])],
    ['frozen<tuple<int, text, boolean>>', [1, 'a'], [1, 'a', null], value => (value as types.Tuple).values()],
    ['vector<float, 3>', [1, 0.5, -2], [1, 0.5, -2], value => Array.from(value as Iterable<number>)],
    ['vector<text, 2>', ['a', 'b'.repeat(200)], ['a', 'b'.repeat(200)], value => Array.from(value as Iterable<string>)],
    ['vector<smallint, 2>', [1, -2], [1, -2], value => Array.from(value as Iterable<number>)],
    ['address', { street: 'Ä 1', Zip: 10_115, tags: ['x'] }, { street: 'Ä 1', zip: 10_115, tags: new Set(['x']) }],
    ['frozen<address>', { street: null }, { street: null, zip: null, tags: null }],
  ]

/** Type and a value that it cannot take, with what has to be said of it. */
const REFUSED: readonly (readonly [type: string, given: unknown, said: RegExp])[] = [
  ['int', 2_147_483_648, /int takes -2147483648 to 2147483647, got 2147483648/],
  ['int', 1.5, /int takes whole numbers, got 1\.5/],
  ['int', 'one', /int takes whole numbers, got "one"/],
  ['bigint', 2 ** 60, /bigint takes whole numbers/],
  ['varint', true, /varint takes whole numbers, got true/],
  ['decimal', 'much', /decimal takes a number or a text such as "12\.50"/],
  ['float', 1e300, /float takes up to 3\.4e38/],
  ['boolean', 1, /boolean takes true or false, got 1/],
  ['ascii', 'ü', /ascii takes ASCII characters only/],
  ['text', new Uint8Array([0xff]), /text takes UTF-8/],
  ['blob', 'no base64!', /blob takes bytes, or a text in base64/],
  ['uuid', '123', /uuid takes a text such as/],
  ['timeuuid', UUID, /timeuuid takes UUIDs of version 1, got one of version 4/],
  ['timestamp', 'yesterday', /timestamp takes a date/],
  ['timestamp', '2024-02-30T00:00:00Z', /timestamp takes a date/],
  ['date', '2024-02-30', /date takes a text such as/],
  ['time', '24:00', /time takes a text such as/],
  ['duration', '3 days', /duration takes a text such as/],
  ['duration', { months: 1, days: -1 }, /same sign/],
  ['inet', 'localhost', /inet takes an address/],
  ['frozen<list<int>>', [1, null], /field "c\d+"\[1\] does not fit column c\d+: a collection holds no nulls/],
  ['set<int>', { a: 1 }, /set<int> takes a list, got an object/],
  ['map<text, int>', { a: 'x' }, /field "c\d+"\["a"\] does not fit .* int takes whole numbers/],
  ['frozen<tuple<int>>', [1, 2], /takes 1 values, got 2/],
  ['vector<float, 3>', [1, 2], /takes 3 values, got 2/],
  ['address', { street: 'a', house: 1 }, /address has no field "house"/],
]

describe.skipIf(!cassandra.available)('types of columns', () => {
  let server: Server
  beforeAll(async () => {
    if (!cassandra.available) return
    server = await Server.use(cassandra)
    await server.query(`CREATE TYPE ${server.keyspace}.address (street text, zip int, tags frozen<set<text>>)`)
  })
  afterAll(() => server?.close())

  it('take what fits, and give it back as it was', async () => {
    const columns = CASES.map(([type], i) => `c${i} ${type}`).join(', ')
    const table = await server.table(`id int PRIMARY KEY, ${columns}`)
    await using sink = await openSink(table.config, { guarantee: 'EFFECTIVELY_ONCE' })
    const fields = Object.fromEntries(CASES.map(([, given], i) => [`c${i}`, given]))
    expect(codes(await sink.write(recordsOf([{ id: 1, ...fields }])))).toEqual([undefined])
    const [row] = await server.query(`SELECT * FROM ${table.full}`)
    const found = CASES.map(([type, , , read = value => value], i) => [type, read(row?.[`c${i}`])])
    expect(found).toEqual(CASES.map(([type, , stored]) => [type, stored]))
  })

  it('refuse what does not fit, with the field, the column and why', async () => {
    const columns = REFUSED.map(([type], i) => `c${i} ${type}`).join(', ')
    const table = await server.table(`id int PRIMARY KEY, ${columns}`)
    await using sink = await openSink(table.config)
    const outcomes = await sink.write(recordsOf(REFUSED.map(([, given], i) => ({ id: i, [`c${i}`]: given }))))
    REFUSED.forEach(([type, , said], i) => {
      expect(outcomes[i], type).toMatchObject({ code: 'PIO_CASSANDRA_FIELDS', retry: 'reject' })
      expect(outcomes[i]?.message).toMatch(said)
      expect(outcomes[i]?.message).toContain(`does not fit column c${i}: `)
    })
    expect(await server.count(table)).toBe(0)
  })

  it('that are counters are refused when the sink is opened', async () => {
    const table = await server.table('id int PRIMARY KEY, n counter')
    expect(await failure(openSink(table.config))).toMatchObject({
      code: 'PIO_CASSANDRA_COLUMNS',
      message: expect.stringContaining('column n of'),
    })
  })

  it('that are lists grow when a record comes again, so EFFECTIVELY_ONCE refuses them', async () => {
    const table = await server.table('id int PRIMARY KEY, l list<int>')
    expect(await failure(openSink(table.config, { guarantee: 'EFFECTIVELY_ONCE' }))).toMatchObject({
      code: 'PIO_CASSANDRA_COLUMNS',
      message: expect.stringContaining('frozen<list<int>>'),
    })
    await using sink = await openSink(table.config)
    const records = recordsOf([{ id: 1, l: [1, 2] }])
    await sink.write(records)
    await sink.write(records)
    expect(await server.query(`SELECT l FROM ${table.full}`)).toEqual([{ l: [1, 2, 1, 2] }])
  })
})
