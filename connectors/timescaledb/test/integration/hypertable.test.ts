import { service } from '@pulsar-io/tooling/services'
import { afterAll, describe, expect, it } from 'vitest'
import { codes, failure, OpenSink, rowsOf, Tester, uniqueName } from '../support.ts'

const timescale = await service('timescaledb')

describe.skipIf(!timescale.available)('hypertables of TimescaleDB', { timeout: 60_000 }, () => {
  if (!timescale.available) return
  const db = new Tester(timescale)
  afterAll(() => db.close())
  const connection = db.connection
  const columns = { time: 'timestamptz NOT NULL', device: 'text NOT NULL', v: 'double precision' }
  const hypertable = {
    ...{ timeColumn: 'time', chunkInterval: '1 day', partitionColumn: 'device', partitions: 3 },
    ...{ compressAfter: '7 days', segmentBy: 'device', orderBy: 'time DESC', dropAfter: '100 years' },
  }
  const about = (view: string, what: string, table: string) =>
    db.rows(`SELECT ${what} FROM timescaledb_information.${view} WHERE hypertable_name = '${table}' ORDER BY 1`)

  it('are made with the table, with everything that is asked for, and left alone afterwards', async () => {
    const tableName = uniqueName('metrics')
    const config = { connection, tableName, createTable: true, columns, key: 'time,device', hypertable }
    for (let start = 0; start < 2; start++) {
      await using sink = await OpenSink.open(config)
      expect(sink.context.logger.messages('warn')).toEqual([])
      const from = start * 100
      const values = Array.from({ length: 100 }, (_, i) => ({
        ...{ time: Date.UTC(2026, 0, 1) + (from + i) * 3_600_000, device: `d${i % 5}`, v: i },
      }))
      await sink.writeAll(rowsOf(values, from))
    }
    expect(await db.value(`SELECT count(*) FROM ${tableName}`)).toBe('200')
    expect(await about('dimensions', 'column_name, time_interval, num_partitions', tableName)).toEqual([
      { column_name: 'device', time_interval: null, num_partitions: '3' },
      { column_name: 'time', time_interval: '1 day', num_partitions: null },
    ])
    expect(await about('hypertables', 'compression_enabled', tableName)).toEqual([{ compression_enabled: 't' }])
    const policies = await about('jobs', 'proc_name', tableName)
    expect(policies.map(row => row.proc_name)).toEqual(['policy_compression', 'policy_retention'])
    expect(
      Number(
        await db.value(`SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = '${tableName}'`),
      ),
    ).toBeGreaterThan(8)
  })

  it('take rows in all modes, also with positions, and name the bad ones', async () => {
    const tableName = uniqueName('metrics')
    const config = {
      ...{ connection, tableName, createTable: true, columns, key: 'time,device', insertMode: 'UPSERT' },
      ...{ nullValueAction: 'DELETE', hypertable: { timeColumn: 'time' } },
    }
    await using sink = await OpenSink.open(config, { guarantee: 'EFFECTIVELY_ONCE', name: tableName })
    const time = '2026-01-01T00:00:00Z'
    await sink.writeAll(
      rowsOf([
        { time, device: 'a', v: 1 },
        { time, device: 'b', v: 2 },
        { time, device: 'a', v: 3 },
      ]),
    )
    await sink.writeAll(rowsOf([null], 3, { keyValue: { time, device: 'b' } }))
    expect(await db.rows(`SELECT device, v FROM ${tableName}`)).toEqual([{ device: 'a', v: '3' }])
    const bad = await sink.write(
      rowsOf(
        [
          { time, device: 'c', v: 1 },
          { time, device: 'c', v: 'x' },
        ],
        4,
      ),
    )
    expect(codes(bad)).toEqual([undefined, 'PIO_PG_REJECTED'])
    await using insert = await OpenSink.open({ ...config, insertMode: 'INSERT' })
    const rows = Array.from({ length: 500 }, (_, i) => ({ time: i * 86_400_000, device: 'd', v: i === 321 ? 'x' : i }))
    expect(codes(await insert.write(rowsOf(rows))).flatMap((code, i) => (code ? [i] : []))).toEqual([321])
  })

  it('may count time in whole numbers', async () => {
    const tableName = uniqueName('metrics')
    const whole = { timeColumn: 'n', chunkInterval: '1000' }
    const config = { connection, tableName, createTable: true, columns: { n: 'bigint NOT NULL' } }
    const wrong = await failure(OpenSink.open({ ...config, hypertable: { ...whole, chunkInterval: '1 day' } }))
    expect(wrong.message).toContain('hypertable.chunkInterval: must be a whole number')
    await using sink = await OpenSink.open({ ...config, hypertable: whole })
    await sink.writeAll(rowsOf([{ n: 1 }, { n: 5000 }]))
    expect(await about('dimensions', 'integer_interval', tableName)).toEqual([{ integer_interval: '1000' }])
  })

  it('are refused in TimescaleDB’s words', async () => {
    const unique = await db.table('"time" timestamptz NOT NULL, id integer PRIMARY KEY')
    const error = await failure(OpenSink.open({ connection, tableName: unique, hypertable: { timeColumn: 'time' } }))
    expect(error).toMatchObject({ code: 'PIO_PG_TIMESCALE', retry: 'block' })
    expect(error.message).toMatch(/^hypertable: TimescaleDB refuses: .*"time"/)
    const full = await db.table('"time" timestamptz NOT NULL')
    await db.rows(`INSERT INTO ${full} VALUES (now())`)
    const filled = await failure(OpenSink.open({ connection, tableName: full, hypertable: { timeColumn: 'time' } }))
    expect(filled.message).toMatch(/not empty.*migrate_data/s)
  })
})
