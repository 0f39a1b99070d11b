import type { SchemaInfo } from '@pulsar-io/sdk'
import { service } from '@pulsar-io/tooling/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Server } from '../server.ts'
import { codes, failure, openSink, recordsOf } from '../support.ts'

const cassandra = await service('cassandra')
const position = (entryId: number) => ({ position: { ledgerId: 1n, entryId: BigInt(entryId), batchIndex: -1 } })

describe.skipIf(!cassandra.available)('rows on a real server', () => {
  let server: Server
  beforeAll(async () => {
    if (cassandra.available) server = await Server.use(cassandra)
  })
  afterAll(() => server?.close())

  describe('by key and value', () => {
    it('hold the key and the value as texts, as Pulsar’s own sink writes them; what has no key is its own', async () => {
      const table = await server.table('k text PRIMARY KEY, v text, other int')
      await using sink = await openSink({ ...table.config, keyname: 'K', columnName: 'V' })
      const written = [
        ...recordsOf([Buffer.from('grüße')], { key: 'a' }),
        ...recordsOf(['no key'], position(1)),
        ...recordsOf([{ n: 2n ** 60n }], { key: 'c', ...position(2) }),
      ]
      expect(codes(await sink.write(written))).toEqual([undefined, undefined, undefined])
      expect(await server.query(`SELECT k, v FROM ${table.full}`)).toEqual(
        expect.arrayContaining([
          { k: 'a', v: 'grüße' },
          { k: 'no key', v: 'no key' },
          { k: 'c', v: '{"n":1152921504606846976}' },
        ]),
      )
    })

    it('take keys and values of other types', async () => {
      const table = await server.table('k uuid PRIMARY KEY, v int')
      await using sink = await openSink({ ...table.config, keyname: 'k', columnName: 'v' })
      const id = '123e4567-e89b-42d3-a456-426614174000'
      const written = [...recordsOf(['17'], { key: id }), ...recordsOf(['17'], { key: 'x', ...position(1) })]
      const [fine, wrong] = await sink.write(written)
      expect(fine).toBeUndefined()
      expect(wrong?.message).toContain('the key does not fit column k: uuid takes a text such as')
      expect((await server.query(`SELECT v FROM ${table.full}`))[0]?.v).toBe(17)
    })

    it('are deleted, skipped or refused where there is no value', async () => {
      const table = await server.table('k text PRIMARY KEY, v text')
      const config = { ...table.config, keyname: 'k', columnName: 'v' }
      for (const [nullValueAction, left, code] of [
        ['IGNORE', 1, undefined],
        ['FAIL', 1, 'PIO_CASSANDRA_NULL'],
        ['DELETE', 0, undefined],
      ] as const) {
        await using sink = await openSink({ ...config, nullValueAction })
        await sink.write(recordsOf(['v'], { key: 'a' }))
        expect(codes(await sink.write(recordsOf([null], { key: 'a', ...position(1) })))).toEqual([code])
        expect(await server.count(table)).toBe(left)
      }
    })
  })

  describe('by fields', () => {
    it('come from JSON texts, from objects and from both halves of a key-value record', async () => {
      const table = await server.table('tenant text, id int, "userName" text, PRIMARY KEY (tenant, id)')
      await using sink = await openSink(table.config)
      const schema: SchemaInfo = { type: 'KEY_VALUE' }
      const written = [
        ...recordsOf(['{"tenant":"a","ID":1,"userName":"one"}']),
        ...recordsOf([{ tenant: 'a', id: 2, userName: null }], position(1)),
        ...recordsOf([{ key: { tenant: 'a', id: 3 }, value: { userName: 'three' } }], { schema, ...position(2) }),
        ...recordsOf([{ userName: 'four' }], { keyValue: { tenant: 'a', id: 4 }, schema, ...position(3) }),
        ...recordsOf([{ userName: 'five' }], { key: '{"tenant":"a","id":5}', ...position(4) }),
        // The one column of the primary key that is missing comes from a plain key.
        ...recordsOf([{ tenant: 'a', userName: 'six' }], { key: '6', ...position(5) }),
      ]
      expect(codes(await sink.write(written))).toEqual(written.map(() => undefined))
      expect(await server.query(`SELECT id, "userName" FROM ${table.full} WHERE tenant = 'a'`)).toEqual(
        ['one', null, 'three', 'four', 'five', 'six'].map((userName, i) => ({ id: i + 1, userName })),
      )
    })

    it('go where the mapping says, also from inside of an object', async () => {
      const table = await server.table('id int PRIMARY KEY, user_name text, city text')
      const mapping = { userName: 'user_name', 'address.city': 'city' }
      await using sink = await openSink({ ...table.config, mapping })
      const value = { id: 1, userName: 'jo', address: { city: 'Köln', street: 'x' } }
      expect(codes(await sink.write(recordsOf([value])))).toEqual([undefined])
      expect(await server.query(`SELECT * FROM ${table.full}`)).toEqual([{ id: 1, user_name: 'jo', city: 'Köln' }])
    })

    it('that are missing leave the column alone, and that are null empty it, unless nullFields is IGNORE', async () => {
      const table = await server.table('id int PRIMARY KEY, a text, b text')
      await using sink = await openSink(table.config)
      await using keeping = await openSink({ ...table.config, nullFields: 'IGNORE' })
      const row = async () => (await server.query(`SELECT a, b FROM ${table.full}`))[0]
      await sink.write(recordsOf([{ id: 1, a: 'a', b: 'b' }]))
      await sink.write(recordsOf([{ id: 1, a: 'new' }], position(1)))
      expect(await row()).toEqual({ a: 'new', b: 'b' })
      await keeping.write(recordsOf([{ id: 1, a: null, b: 'kept' }], position(2)))
      expect(await row()).toEqual({ a: 'new', b: 'kept' })
      await sink.write(recordsOf([{ id: 1, a: null }], position(3)))
      expect(await row()).toEqual({ a: null, b: 'kept' })
    })

    it('that do not fit are all named in one error, with what to do', async () => {
      const table = await server.table('id int PRIMARY KEY, n int')
      await using sink = await openSink(table.config)
      const [error] = await sink.write(recordsOf([{ n: 'x', userName: 'jo', at: 1.5 }]))
      expect(error).toMatchObject({ code: 'PIO_CASSANDRA_FIELDS', retry: 'reject' })
      for (const said of [
        'field "n" does not fit column n: int takes whole numbers, got "x"',
        `there is no column for field "userName" (ALTER TABLE ${table.full} ADD userName text, name another in mapping`,
        `ADD at double`,
        'neither a field nor the key gives id, of the primary key',
      ])
        expect(error?.message).toContain(said)
      await using lenient = await openSink({ ...table.config, unknownFields: 'IGNORE' })
      expect(codes(await lenient.write(recordsOf([{ id: 1, userName: 'jo' }])))).toEqual([undefined])
    })

    it('are needed: anything else is named', async () => {
      const table = await server.table('id int PRIMARY KEY')
      await using sink = await openSink(table.config)
      const outcomes = await sink.write(recordsOf(['[1]', 'no json', Buffer.from('{"id":'), 17]))
      expect(codes(outcomes)).toEqual(outcomes.map(() => 'PIO_CASSANDRA_MALFORMED'))
    })
  })

  describe('of one partition', () => {
    it('go into one batch and keep their order; one that is refused does not take the others along', async () => {
      const table = await server.table('p text, c text, v text, PRIMARY KEY (p, c)')
      await using sink = await openSink(table.config)
      const values = Array.from({ length: 200 }, (_, i) => ({ p: `p${i % 2}`, c: `c${i % 20}`, v: String(i) }))
      const bad = { p: 'p0', c: 'c'.repeat(70_000), v: 'bad' }
      const outcomes = await sink.write(recordsOf([...values.slice(0, 100), bad, ...values.slice(100)]))
      expect(codes(outcomes).flatMap((code, i) => (code ? [[i, code]] : []))).toEqual([[100, 'PIO_CASSANDRA_REJECTED']])
      const rows = await server.query(`SELECT c, v FROM ${table.full}`)
      expect(rows).toHaveLength(20)
      for (const { c, v } of rows) expect(Number(v)).toBe(180 + Number(String(c).slice(1)))
    })
  })

  describe('that are too large', () => {
    it('are refused alone, by Cassandra or before they are sent, and the others get through', async () => {
      const table = await server.table('k text PRIMARY KEY, v blob')
      await using sink = await openSink({ ...table.config, keyname: 'k', columnName: 'v' })
      const sizes = [1, 10_000_000, 1, 20_000_000, 1_000_000]
      const written = sizes.flatMap((size, i) => recordsOf([Buffer.alloc(size)], { key: `k${i}`, ...position(i) }))
      const outcomes = await sink.write(written)
      // A server that somebody set up otherwise may take 10 MB.
      expect([[1, 3], [3]]).toContainEqual(codes(outcomes).flatMap((code, i) => (code ? [i] : [])))
      for (const outcome of outcomes) if (outcome) expect(outcome).toMatchObject({ code: 'PIO_CASSANDRA_TOO_LARGE' })
      expect(outcomes[3]?.message).toContain('native_transport_max_frame_size')
    })
  })

  describe('are dated', () => {
    it('by the position, near the publish time, so that what comes again never beats what is newer', async () => {
      const table = await server.table('id int PRIMARY KEY, v text')
      await using sink = await openSink(table.config)
      const [old, newer] = recordsOf([
        { id: 1, v: 'old' },
        { id: 1, v: 'newer' },
      ])
      if (!old || !newer) throw new Error('no records')
      await sink.write([old, newer])
      await sink.write([{ ...old, redeliveryCount: 1 }])
      await using next = await openSink(table.config)
      await next.write([{ ...old, redeliveryCount: 2 }])
      const [row] = await server.query(`SELECT v, writetime(v) AS at FROM ${table.full}`)
      expect(row?.v).toBe('newer')
      expect(Math.abs(Number(row?.at) / 1000 - newer.publishTime)).toBeLessThan(1001)
    })

    it('so that a tombstone that comes again does not delete what is newer', async () => {
      const table = await server.table('id int PRIMARY KEY, v text')
      await using sink = await openSink(table.config)
      const tombstone = recordsOf([null], { key: '1' })
      await sink.write(tombstone)
      await sink.write(recordsOf([{ id: 1, v: 'back' }], position(1)))
      await sink.write(tombstone)
      expect(await server.count(table)).toBe(1)
    })

    it('by the time of writing with NOW, which EFFECTIVELY_ONCE refuses', async () => {
      const table = await server.table('id int PRIMARY KEY, v text')
      const config = { ...table.config, writeTimestamp: 'NOW' }
      await using sink = await openSink(config)
      const again = recordsOf([{ id: 1, v: 'old' }])
      await sink.write([...again, ...recordsOf([{ id: 1, v: 'newer' }], position(1))])
      expect((await server.query(`SELECT v FROM ${table.full}`))[0]?.v).toBe('newer')
      await sink.write(again)
      expect((await server.query(`SELECT v FROM ${table.full}`))[0]?.v).toBe('old')
      expect(await failure(openSink(config, { guarantee: 'EFFECTIVELY_ONCE' }))).toMatchObject({
        problems: [{ path: 'writeTimestamp', message: expect.stringContaining('use POSITION') }],
      })
    })

    it('and end after ttlSeconds', async () => {
      const table = await server.table('id int PRIMARY KEY, v text')
      await using sink = await openSink({ ...table.config, ttlSeconds: '3600' })
      await sink.write(recordsOf([{ id: 1, v: 'x' }]))
      const [row] = await server.query(`SELECT ttl(v) AS left FROM ${table.full}`)
      expect(Number(row?.left)).toBeGreaterThan(3000)
    })
  })
})
