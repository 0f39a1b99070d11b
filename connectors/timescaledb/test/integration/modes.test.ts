import { afterAll, describe, expect, it } from 'vitest'
import { codes, OpenSink, postgresql, rowsOf, Tester } from '../support.ts'

describe.skipIf(!postgresql.available)('what a record does to the table', () => {
  if (!postgresql.available) return
  const db = new Tester(postgresql)
  afterAll(() => db.close())
  const connection = db.connection

  const keyed = () => db.table(`id integer PRIMARY KEY, a text, b text DEFAULT 'filled'`)
  const content = (table: string) => db.column(`SELECT concat_ws(' ', id, a, b) FROM ${table} ORDER BY id`)
  const does = (ACTION: string) => ({ properties: { ACTION } })

  it('INSERT adds rows, and leaves what they do not say to the table', async () => {
    const tableName = await db.table(
      `id bigint GENERATED ALWAYS AS IDENTITY, n integer NOT NULL DEFAULT 7, t text, twice integer GENERATED ALWAYS AS (n * 2) STORED`,
    )
    await using sink = await OpenSink.open({ connection, tableName })
    await sink.writeAll(rowsOf([{ t: 'a' }, { t: 'b', n: 1 }, { n: 2, twice: 100 }, { id: 50, t: 'c' }, { t: null }]))
    const rows = await db.column(`SELECT concat_ws(' ', id, n, t, twice) FROM ${tableName} ORDER BY id`)
    expect(rows).toEqual(['1 7 a 14', '2 7 14', '3 1 b 2', '4 2 4', '50 7 c 14'])
  })

  it('INSERT of an explicit null is null', async () => {
    const tableName = await db.table('n integer DEFAULT 7, t text')
    await using sink = await OpenSink.open({ connection, tableName })
    await sink.writeAll(rowsOf([{ n: null }, { t: 'x' }]))
    expect(await db.column(`SELECT n FROM ${tableName} ORDER BY n`)).toEqual(['7', null])
  })

  it('a record without a value for any column is refused', async () => {
    const tableName = await db.table('n integer DEFAULT 7')
    await using sink = await OpenSink.open({ connection, tableName })
    expect(codes(await sink.write(rowsOf([{ n: 1 }, { other: 1 }])))).toEqual([undefined, 'PIO_PG_FIELD'])
  })

  it('UPSERT replaces the row of the key, the last one of a batch wins', async () => {
    const tableName = await keyed()
    await using sink = await OpenSink.open({ connection, tableName, insertMode: 'UPSERT', key: 'id' })
    await sink.writeAll(
      rowsOf([
        { id: 1, a: 'one', b: 'x' },
        { id: 2, a: 'two' },
        { id: '1', a: 'uno', b: 'y' },
      ]),
    )
    expect(await content(tableName)).toEqual(['1 uno y', '2 two filled'])
    await sink.writeAll(
      rowsOf([
        { id: 2, a: 'due' },
        { id: 1, b: null },
      ]),
    )
    expect(await content(tableName)).toEqual(['1 uno', '2 due filled'])
  })

  it('UPSERT sets what nonKey declares, also to null', async () => {
    const tableName = await keyed()
    const config = { connection, tableName, insertMode: 'UPSERT', key: ['id'], nonKey: ['a'] }
    await using sink = await OpenSink.open(config)
    await sink.writeAll(rowsOf([{ id: 1, a: 'one', b: 'kept' }]))
    await sink.writeAll(rowsOf([{ id: 1, b: 'ignored' }]))
    expect(await content(tableName)).toEqual(['1 kept'])
  })

  it('UPSERT on several columns, and on nothing but the key', async () => {
    const tableName = await db.table('"K 1" text, k2 date, UNIQUE (k2, "K 1")')
    await using sink = await OpenSink.open({ connection, tableName, insertMode: 'UPSERT', key: 'K 1,k2' })
    const row = { 'K 1': 'x', k2: '2026-01-31' }
    await sink.writeAll(rowsOf([row, row, { ...row, k2: '2026-02-01' }]))
    expect(await db.value(`SELECT count(*) FROM ${tableName}`)).toBe('2')
  })

  it('UPDATE changes rows that are there, and no others', async () => {
    const tableName = await keyed()
    await db.rows(`INSERT INTO ${tableName} VALUES (1, 'one', 'x'), (2, 'two', 'y')`)
    await using sink = await OpenSink.open({ connection, tableName, insertMode: 'UPDATE', key: 'id' })
    await sink.writeAll(
      rowsOf([
        { id: 1, a: 'uno' },
        { id: 3, a: 'tre' },
        { id: 2, a: 'a', b: 'b' },
        { id: 2, a: 'due' },
      ]),
    )
    expect(await content(tableName)).toEqual(['1 uno x', '2 due b'])
  })

  it('the property ACTION says what to do, in the order of the records', async () => {
    const tableName = await keyed()
    await using sink = await OpenSink.open({ connection, tableName, key: 'id' })
    const steps: [object, string?][] = [
      [{ id: 1, a: 'one' }],
      [{ id: 2, a: 'two' }, 'insert'],
      [{ id: 1, a: 'uno' }, 'UPDATE'],
      [{ id: 2 }, 'DELETE'],
      [{ id: 2, a: 'again' }, 'INSERT'],
      [{ id: 3, a: 'three' }, 'UPSERT'],
      [{ id: 3, a: 'tre' }, 'UPSERT'],
      [{ id: 4 }, 'INSERT'],
      [{ id: 4 }, 'DELETE'],
      [{ id: 5, a: 'nobody' }, 'UPDATE'],
    ]
    await sink.writeAll(steps.flatMap(([value, action], i) => rowsOf([value], i, action ? does(action) : {})))
    expect(await content(tableName)).toEqual(['1 uno filled', '2 again filled', '3 tre filled'])
  })

  it('a record without a value deletes the row of its key, where that is asked for', async () => {
    const tableName = await keyed()
    const config = { connection, tableName, insertMode: 'UPSERT', key: 'id', nullValueAction: 'DELETE' }
    await using sink = await OpenSink.open(config)
    await sink.writeAll(rowsOf([1, 2, 3, 4, 5].map(id => ({ id, a: 'x' }))))
    await sink.writeAll([
      ...rowsOf([null], 10, { key: '1' }),
      ...rowsOf([null], 11, { key: '{"id": 2}' }),
      ...rowsOf([null], 12, { key: 'k', keyValue: { id: 3 } }),
      ...rowsOf([new Uint8Array(0)], 13, { key: '4' }),
      ...rowsOf([null], 14, { key: '99' }),
    ])
    expect(await content(tableName)).toEqual(['5 x filled'])
    const [outcome] = await sink.write(rowsOf([null], 15))
    expect(outcome).toMatchObject({ code: 'PIO_PG_KEY', message: expect.stringContaining('id') })
  })

  it('a record without a value is refused otherwise', async () => {
    const tableName = await keyed()
    await using sink = await OpenSink.open({ connection, tableName })
    expect(codes(await sink.write([...rowsOf([{ id: 1 }, null]), ...rowsOf([''], 2)]))).toEqual([
      undefined,
      'PIO_PG_NULL',
      'PIO_PG_NULL',
    ])
    expect(await content(tableName)).toEqual([])
  })

  it('the key of a record fills in the key columns that its value does not have', async () => {
    const tableName = await keyed()
    await using sink = await OpenSink.open({ connection, tableName, insertMode: 'UPSERT', key: 'id' })
    await sink.writeAll([
      ...rowsOf([{ a: 'plain' }], 0, { key: '1' }),
      ...rowsOf([{ a: 'structure' }], 1, { key: 'x', keyValue: { id: 2, b: 'of the key' } }),
      ...rowsOf([{ id: 3, a: 'own' }], 2, { key: '4' }),
      ...rowsOf([{ a: 'number' }], 3, { keyValue: 5 }),
    ])
    expect(await content(tableName)).toEqual([
      '1 plain filled',
      '2 structure of the key',
      '3 own filled',
      '5 number filled',
    ])
  })

  it('what cannot be done is refused with what to do', async () => {
    const tableName = await keyed()
    await using sink = await OpenSink.open({ connection, tableName })
    const outcomes = await sink.write([
      ...rowsOf([{ id: 1 }], 0, does('MERGE')),
      ...rowsOf([{ id: 1 }], 1, does('DELETE')),
      ...rowsOf([{ id: 2 }], 2),
    ])
    expect(codes(outcomes)).toEqual(['PIO_PG_ACTION', 'PIO_PG_ACTION', undefined])
    expect(outcomes[0]?.message).toContain('INSERT, UPSERT, UPDATE, DELETE')
    expect(outcomes[1]?.message).toContain('key')
  })

  it.each([['just text'], ['[1,2]'], ['42'], [Buffer.from([0xff, 0xfe])], [[1, 2]], [true], ['{"a":']])(
    'a value that is no structure is refused: %o',
    async value => {
      const tableName = await keyed()
      await using sink = await OpenSink.open({ connection, tableName })
      expect(codes(await sink.write(rowsOf([{ id: 1 }, value])))).toEqual([undefined, 'PIO_PG_MALFORMED'])
    },
  )

  it('fields that are no column are left out and told of once, or refused', async () => {
    const tableName = await keyed()
    const rows = [
      { id: 1, colour: 'red' },
      { id: 2, colour: 'blue', size: 3 },
    ]
    await using sink = await OpenSink.open({ connection, tableName })
    await sink.writeAll(rowsOf(rows))
    await sink.writeAll(rowsOf([{ id: 3, colour: 'green' }]))
    expect(sink.context.logger.messages('warn')).toEqual([expect.stringMatching(/"colour".*no such column/)])
    await using strict = await OpenSink.open({ connection, tableName, unknownFields: 'FAIL' })
    const outcomes = await strict.write(rowsOf([{ id: 4 }, { id: 5, colour: 'red' }]))
    expect(codes(outcomes)).toEqual([undefined, 'PIO_PG_FIELD'])
    expect(outcomes[1]?.message).toContain('colour')
  })

  it('excludeNonDeclaredFields writes key and nonKey alone', async () => {
    const tableName = await keyed()
    const config = { connection, tableName, key: 'id', nonKey: 'a', excludeNonDeclaredFields: true }
    await using sink = await OpenSink.open(config)
    await sink.writeAll(rowsOf([{ id: 1, a: 'x', b: 'left out' }]))
    expect(await content(tableName)).toEqual(['1 x filled'])
  })

  it('tables with triggers, partitions and row level security take rows', async () => {
    const name = await db.table('id integer, at date', 'PARTITION BY RANGE (at)')
    await db.rows(`CREATE TABLE ${name}_a PARTITION OF ${name} FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')`)
    await using sink = await OpenSink.open({ connection, tableName: name })
    const outcomes = await sink.write(
      rowsOf([
        { id: 1, at: '2026-05-05' },
        { id: 2, at: '2030-01-01' },
      ]),
    )
    expect(codes(outcomes)).toEqual([undefined, 'PIO_PG_REJECTED'])
    expect(outcomes[1]?.message).toContain('no partition')
    const role = `${name}_role`
    await db.rows(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'; CREATE TABLE ${name}_rls (id integer);
      ALTER TABLE ${name}_rls ENABLE ROW LEVEL SECURITY; GRANT ALL ON ${name}_rls TO ${role};
      CREATE POLICY p ON ${name}_rls USING (true) WITH CHECK (id < 10)`)
    const as = { ...connection, user: role, password: 'secret' }
    await using secured = await OpenSink.open({ connection: as, tableName: `${name}_rls` })
    await secured.writeAll(rowsOf([{ id: 1 }, { id: 2 }]))
    expect(await db.value(`SELECT count(*) FROM ${name}_rls`)).toBe('2')
  })
})
