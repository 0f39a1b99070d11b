import { afterAll, describe, expect, it } from 'vitest'
import { failure, OpenSink, postgresql, rowsOf, Tester, uniqueName } from '../support.ts'

const definition = JSON.stringify({
  type: 'record',
  name: 'reading',
  fields: [
    { name: 'time', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'device', type: 'string' },
    { name: 'price', type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 3 }] },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'raw', type: 'bytes' },
    { name: 'place', type: { type: 'record', name: 'place', fields: [{ name: 'x', type: 'int' }] } },
  ],
})
const schema = { type: 'AVRO', definition } as const
/** As the runtime decodes it. */
const reading = (n: number) => ({
  time: new Date(Date.UTC(2026, 0, 31, 12, 0, n)),
  device: `d${n}`,
  price: `${n}.500`,
  tags: ['a', 'b c'],
  raw: Buffer.from([1, 255]),
  place: { x: n },
})

describe.skipIf(!postgresql.available)('a table that is made from the schema', () => {
  if (!postgresql.available) return
  const db = new Tester(postgresql)
  afterAll(() => db.close())

  it.each(['ATLEAST_ONCE', 'EFFECTIVELY_ONCE'] as const)(
    'has its columns, and takes its records (%s)',
    async guarantee => {
      const tableName = uniqueName('derived')
      const config = { connection: db.connection, tableName, createTable: true, key: ['time', 'device'] }
      {
        await using sink = await OpenSink.open({ ...config, connections: 2 }, { guarantee })
        expect(await db.value(`SELECT to_regclass('${tableName}')`)).toBe(null)
        if (guarantee === 'EFFECTIVELY_ONCE') expect(await sink.sink.committed()).toEqual([])
        const list = rowsOf([1, 2, 3].map(reading), 0, { schema })
        if (guarantee === 'EFFECTIVELY_ONCE') await sink.writeAll(list)
        // Batches that come at the same time make it once.
        else await Promise.all(list.map(each => sink.writeAll([each])))
      }
      expect(
        await db.rows(
          `SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute
         WHERE attrelid = '${tableName}'::regclass AND attnum > 0 ORDER BY attnum`,
        ),
      ).toEqual([
        { attname: 'time', type: 'timestamp with time zone' },
        { attname: 'device', type: 'text' },
        { attname: 'price', type: 'numeric(12,3)' },
        { attname: 'tags', type: 'text[]' },
        { attname: 'raw', type: 'bytea' },
        { attname: 'place', type: 'jsonb' },
      ])
      expect(await db.rows(`SELECT * FROM ${tableName} ORDER BY time LIMIT 1`)).toEqual([
        {
          time: '2026-01-31 12:00:01+00',
          device: 'd1',
          price: '1.500',
          tags: '{a,"b c"}',
          raw: '\\x01ff',
          place: '{"x": 1}',
        },
      ])
      // The next run finds the table, and under EFFECTIVELY_ONCE how far it got.
      await using again = await OpenSink.open(config, { guarantee })
      if (guarantee === 'EFFECTIVELY_ONCE') expect(await again.sink.committed()).toHaveLength(1)
      await again.writeAll(rowsOf([reading(4)], 3, { schema }))
      expect(await db.value(`SELECT count(*) FROM ${tableName}`)).toBe('4')
    },
  )

  it('needs a schema: records without one are kept, and the option is named', async () => {
    const tableName = uniqueName('derived')
    await using sink = await OpenSink.open({ connection: db.connection, tableName, createTable: true })
    const error = await failure(sink.write(rowsOf(['{"a":1}'])))
    expect(error).toMatchObject({ code: 'PIO_PG_TARGET', retry: 'block' })
    expect(error.message).toMatch(/^columns: required to make .* no AVRO or JSON schema/)
    // One with a schema helps.
    await sink.writeAll(rowsOf([reading(1)], 0, { schema }))
    expect(await db.value(`SELECT count(*) FROM ${tableName}`)).toBe('1')
  })
})
