import { afterAll, describe, expect, it } from 'vitest'
import {
  at,
  checkpointOf,
  codes,
  failure,
  OpenSink,
  postgresql,
  rowsOf,
  Tester,
  TOPIC,
  uniqueName,
} from '../support.ts'

describe.skipIf(!postgresql.available)('EFFECTIVELY_ONCE', () => {
  if (!postgresql.available) return
  const db = new Tester(postgresql)
  afterAll(() => db.close())
  const connection = db.connection
  const count = (table: string) => db.value(`SELECT count(*) FROM ${table}`)
  const numbers = (from: number, to: number) =>
    rowsOf(
      Array.from({ length: to - from }, (_, i) => ({ n: from + i })),
      from,
    )

  /** A table, and instances of one sink that write to it. */
  async function place(columns = 'n integer') {
    const tableName = await db.table(columns)
    const name = uniqueName('sink')
    const open = (overrides = {}, raw = {}) =>
      OpenSink.open({ connection, tableName, ...raw }, { guarantee: 'EFFECTIVELY_ONCE', name, ...overrides })
    return { tableName, name, open }
  }

  it('positions are in the transaction of the rows', async () => {
    const { tableName, open, name } = await place()
    await using sink = await open()
    expect(await sink.sink.committed()).toEqual([])
    await sink.writeAll(numbers(0, 10))
    expect(await sink.sink.committed()).toEqual([{ topic: TOPIC, partition: 0, position: at(9) }])
    const stamps = await db.rows(
      `SELECT (SELECT count(DISTINCT xmin::text) FROM ${tableName}) AS transactions,
        (SELECT xmin::text FROM pulsar_io_positions WHERE sink = 'public/default/${name}') = (SELECT min(xmin::text) FROM ${tableName}) AS same`,
    )
    expect(stamps).toEqual([{ transactions: '1', same: 't' }])
    await sink.writeAll(numbers(10, 20))
    expect(await sink.sink.committed()).toEqual([{ topic: TOPIC, partition: 0, position: at(19) }])
  })

  it('positions of big numbers, of many topics and of strange names come back as they were', async () => {
    const { open } = await place()
    await using sink = await open()
    const position = { ledgerId: 2n ** 62n + 1n, entryId: 2n ** 60n + 7n, batchIndex: 17 }
    const checkpoint = [
      { topic: `persistent://a/b/quote'and\\backslash`, partition: 0, position },
      { topic: `persistent://a/b/quote'and\\backslash`, partition: 12, position: at(1) },
    ]
    await sink.write(numbers(0, 1), { checkpoint })
    await sink.write(numbers(1, 2), { checkpoint })
    const found = await sink.sink.committed()
    expect([...found].sort((a, b) => a.partition - b.partition)).toEqual(checkpoint)
  })

  it('a refused row takes the positions back with it', async () => {
    const { tableName, open } = await place()
    await using sink = await open()
    await sink.writeAll(numbers(0, 5))
    const records = [...numbers(5, 10), ...rowsOf([{ n: 'x' }], 10), ...numbers(11, 15)]
    const outcomes = await sink.write(records)
    expect(codes(outcomes).filter(code => code !== undefined)).toEqual(['PIO_PG_REJECTED'])
    expect(await sink.sink.committed()).toEqual([{ topic: TOPIC, partition: 0, position: at(4) }])
    const rest = records.filter((_, i) => i !== 5)
    await sink.write(rest, { checkpoint: checkpointOf(records) })
    expect(await count(tableName)).toBe('14')
    expect(await sink.sink.committed()).toEqual([{ topic: TOPIC, partition: 0, position: at(14) }])
  })

  it('an instance that was replaced commits nothing, not even when it tries again', async () => {
    const { tableName, open } = await place()
    await using old = await open()
    await old.writeAll(numbers(0, 5))
    await using next = await open()
    for (let i = 0; i < 2; i++)
      expect(await failure(old.write(numbers(5, 10)))).toMatchObject({ code: 'PIO_PG_FENCED', retry: 'reconnect' })
    expect(await count(tableName)).toBe('5')
    await next.writeAll(numbers(5, 10))
    expect(await failure(old.write(numbers(10, 12)))).toMatchObject({ code: 'PIO_PG_FENCED' })
    await next.writeAll(numbers(10, 20))
    expect(await count(tableName)).toBe('20')
  })

  it('what another instance has written since this one asked is left out', async () => {
    const { tableName, open } = await place()
    await using first = await open({ instanceId: 0 })
    await using second = await open({ instanceId: 1 })
    await first.writeAll(numbers(0, 10))
    await second.writeAll(numbers(5, 15))
    expect(await count(tableName)).toBe('15')
    await second.writeAll(numbers(15, 16))
    expect(await failure(first.write(numbers(15, 20)))).toMatchObject({ code: 'PIO_PG_FENCED' })
    await using again = await open({ instanceId: 0 })
    await again.writeAll(numbers(12, 16))
    expect(await again.sink.committed()).toEqual([{ topic: TOPIC, partition: 0, position: at(15) }])
    expect(await count(tableName)).toBe('16')
  })

  it('instances with partitions of their own are not in each other’s way', async () => {
    const { tableName, open } = await place()
    await using first = await open({ instanceId: 0 })
    await using second = await open({ instanceId: 1 })
    for (let from = 0; from < 30; from += 10) {
      await first.writeAll(numbers(from, from + 10))
      await second.writeAll(numbers(from, from + 10).map(record => ({ ...record, partition: 1 })))
    }
    await using restarted = await open({ instanceId: 0 })
    await second.writeAll(numbers(30, 40).map(record => ({ ...record, partition: 1 })))
    await restarted.writeAll(numbers(30, 40))
    expect(await count(tableName)).toBe('80')
  })

  it('another sink, and another table, have positions of their own', async () => {
    const { open } = await place()
    await using sink = await open()
    await sink.writeAll(numbers(0, 10))
    await using other = await open({ name: uniqueName('other') })
    expect(await other.sink.committed()).toEqual([])
    const tableName = await db.table('n integer')
    await using elsewhere = await open({}, { tableName })
    expect(await elsewhere.sink.committed()).toEqual([])
  })

  it('the next instance waits for a transaction of the last one that is still under way', async () => {
    const { tableName, open, name } = await place()
    await using sink = await open()
    await sink.writeAll(numbers(0, 10))
    // As the server sees a client that was cut off: the transaction is there, and will commit.
    const held = db.rows(
      `BEGIN; UPDATE pulsar_io_positions SET entry_id = 19 WHERE sink = 'public/default/${name}';
       INSERT INTO ${tableName} SELECT generate_series(10, 19); SELECT pg_sleep(0.5); COMMIT`,
    )
    const sleeping = `SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%${name}%'`
    await expect.poll(() => db.value(sleeping)).toBe('1')
    await using next = await open()
    expect(await next.sink.committed()).toEqual([{ topic: TOPIC, partition: 0, position: at(19) }])
    await held
    await next.writeAll(numbers(15, 25))
    // The runtime leaves out what is committed; the sink itself, too, when it takes a partition over.
    expect(await count(tableName)).toBe('25')
  })

  it('all modes store positions', async () => {
    const { tableName, open } = await place('n integer PRIMARY KEY, v text')
    await using sink = await open({}, { insertMode: 'UPSERT', key: 'n', nullValueAction: 'DELETE' })
    await sink.writeAll(
      rowsOf(
        [
          { n: 1, v: 'a' },
          { n: 2, v: 'b' },
        ],
        0,
      ),
    )
    await sink.writeAll([...rowsOf([null], 2, { key: '1' }), ...rowsOf([{ n: 2, v: 'c' }], 3)])
    expect(await db.rows(`SELECT * FROM ${tableName}`)).toEqual([{ n: '2', v: 'c' }])
    expect(await sink.sink.committed()).toEqual([{ topic: TOPIC, partition: 0, position: at(3) }])
  })

  it('a name of the positions table is quoted, and one that is in the way is told of', async () => {
    const { tableName, open } = await place()
    const positionsTable = `"Positions of ""${tableName}"""`
    await using sink = await open({}, { positionsTable })
    await sink.writeAll(numbers(0, 3))
    expect(await sink.sink.committed()).toHaveLength(1)
    const error = await failure(open({}, { positionsTable: tableName }))
    expect(error).toMatchObject({ code: 'PIO_PG_POSITIONS', retry: 'block' })
    expect(error.message).toMatch(/^positionsTable: .*SQLSTATE 42703/)
    const role = `${tableName}_role`
    await db.rows(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'; GRANT INSERT ON ${tableName} TO ${role}`)
    const as = { ...connection, user: role, password: 'secret' }
    const refused = await failure(open({}, { connection: as, positionsTable: `public.${tableName}_p` }))
    expect(refused.message).toMatch(/^positionsTable: .*permission denied for schema public.*CREATE TABLE/s)
  })
})
