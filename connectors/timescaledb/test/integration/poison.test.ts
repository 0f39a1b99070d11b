import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { codes, OpenSink, postgresql, rowsOf, Tester } from '../support.ts'

describe.skipIf(!postgresql.available)('rows that PostgreSQL refuses', () => {
  if (!postgresql.available) return
  const db = new Tester(postgresql)
  afterAll(() => db.close())
  const connection = db.connection
  const count = (table: string) => db.value(`SELECT count(*) FROM ${table}`)

  const bad = (places: readonly number[], length: number) =>
    Array.from({ length }, (_, i) => (places.includes(i) ? 'PIO_PG_REJECTED' : undefined))

  it.each([
    ['one in the middle', [500]],
    ['the first and the last', [0, 999]],
    ['two in a row', [300, 301]],
    ['many', Array.from({ length: 100 }, (_, i) => i * 10 + 3)],
    ['all', Array.from({ length: 1000 }, (_, i) => i)],
  ])('%s: they alone are named, nothing is stored, and the rest goes in', async (_, places) => {
    const tableName = await db.table('id integer, v integer')
    await using sink = await OpenSink.open({ connection, tableName })
    const records = rowsOf(Array.from({ length: 1000 }, (_, id) => ({ id, v: places.includes(id) ? 'poison' : id })))
    expect(codes(await sink.write(records))).toEqual(bad(places, 1000))
    expect(await count(tableName)).toBe('0')
    await sink.writeAll(records.filter((_, i) => !places.includes(i)))
    expect(await count(tableName)).toBe(String(1000 - places.length))
  })

  it('a constraint that is checked at the end of the statement is brought home, too', async () => {
    const parent = await db.table('id integer PRIMARY KEY')
    await db.rows(`INSERT INTO ${parent} SELECT generate_series(1, 100)`)
    const tableName = await db.table(`id integer REFERENCES ${parent}`)
    await using sink = await OpenSink.open({ connection, tableName })
    const outcomes = await sink.write(rowsOf([{ id: 1 }, { id: 1000 }, { id: 2 }, { id: 3 }]))
    expect(codes(outcomes)).toEqual(bad([1], 4))
    expect(outcomes[1]?.message).toMatch(/Key \(id\)=\(1000\) is not present.*SQLSTATE 23503, constraint/)
  })

  it('and so is one that is checked at the end of the transaction', async () => {
    const parent = await db.table('id integer PRIMARY KEY')
    await db.rows(`INSERT INTO ${parent} SELECT generate_series(1, 100)`)
    const tableName = await db.table(`id integer REFERENCES ${parent} DEFERRABLE INITIALLY DEFERRED`)
    await using sink = await OpenSink.open({ connection, tableName })
    const records = rowsOf([{ id: 1 }, { id: 1000 }, { id: 2 }, { id: 2000 }, { id: 3 }])
    expect(codes(await sink.write(records))).toEqual(bad([1, 3], 5))
    expect(await count(tableName)).toBe('0')
  })

  it('of two rows with one key the second is refused', async () => {
    const tableName = await db.table('id integer PRIMARY KEY')
    await using sink = await OpenSink.open({ connection, tableName })
    const outcomes = await sink.write(rowsOf([{ id: 1 }, { id: 2 }, { id: 1 }]))
    expect(codes(outcomes)).toEqual(bad([2], 3))
    expect(outcomes[2]?.message).toMatch(/Key \(id\)=\(1\) already exists.*SQLSTATE 23505/)
  })

  it('a trigger may refuse with words of its own', async () => {
    const tableName = await db.table('id integer')
    await db.rows(`CREATE FUNCTION ${tableName}_f() RETURNS trigger LANGUAGE plpgsql AS
      $$BEGIN IF NEW.id = 13 THEN RAISE 'no luck' USING ERRCODE = 'ZZ013'; END IF; RETURN NEW; END$$;
      CREATE TRIGGER t BEFORE INSERT ON ${tableName} FOR EACH ROW EXECUTE FUNCTION ${tableName}_f()`)
    await using sink = await OpenSink.open({ connection, tableName })
    const outcomes = await sink.write(rowsOf(Array.from({ length: 30 }, (_, id) => ({ id }))))
    expect(codes(outcomes)).toEqual(bad([13], 30))
    expect(outcomes[13]?.message).toContain('no luck (SQLSTATE ZZ013)')
  })

  it.each(['UPSERT', 'UPDATE', 'DELETE'])('%s names them, too', async ACTION => {
    const tableName = await db.table('id integer PRIMARY KEY, v integer CHECK (v <> 5)')
    await db.rows(`INSERT INTO ${tableName} SELECT generate_series(0, 99)`)
    await using sink = await OpenSink.open({ connection, tableName, key: 'id' })
    const values = Array.from({ length: 100 }, (_, id) => ({ id: id === 60 ? 'x' : id, v: id === 30 ? 5 : 6 }))
    const outcomes = await sink.write(rowsOf(values, 0, { properties: { ACTION } }))
    expect(codes(outcomes)).toEqual(bad(ACTION === 'DELETE' ? [60] : [30, 60], 100))
    expect(outcomes[60]?.message).toContain('SQLSTATE 22P02, column id')
    expect(await db.value(`SELECT count(*) FROM ${tableName} WHERE v IS NULL`)).toBe('100')
  })

  it('rows that only get in each other’s way one after the other are no poison', async () => {
    const tableName = await db.table('id integer PRIMARY KEY, v numeric')
    await using sink = await OpenSink.open({ connection, tableName, insertMode: 'UPSERT', key: 'id' })
    await sink.writeAll(
      rowsOf([
        { id: 1, v: 1 },
        { id: '01', v: 2 },
        { id: ' 1', v: 3 },
      ]),
    )
    expect(await db.rows(`SELECT * FROM ${tableName}`)).toEqual([{ id: '1', v: '3' }])
  })

  it('whichever they are, exactly they are named', async () => {
    const tableName = await db.table('id integer, v integer CHECK (v >= 0)', '')
    await using sink = await OpenSink.open({ connection, tableName })
    const kind = fc.constantFrom(0, 0, 0, 0, -1, 'x', '\u0000')
    await fc.assert(
      fc.asyncProperty(fc.array(kind, { minLength: 1, maxLength: 60 }), async kinds => {
        const outcomes = await sink.write(rowsOf(kinds.map((v, id) => ({ id, v }))))
        expect(codes(outcomes)).toEqual(
          bad(
            kinds.flatMap((v, i) => (v === 0 ? [] : [i])),
            kinds.length,
          ),
        )
      }),
      { numRuns: 40 },
    )
  })

  it('10 MB in one value, and every character that UTF-8 has', async () => {
    const tableName = await db.table('id integer, t text, b bytea')
    await using sink = await OpenSink.open({ connection, tableName })
    const large = 'ä\\n\n\t"123'.repeat(1_000_000)
    const bytes = Buffer.alloc(10 * 1024 * 1024, 7)
    const all = Array.from({ length: 0x10ffff / 16 }, (_, i) => i * 16 + 1)
      .filter(code => code < 0xd800 || code > 0xdfff)
      .map(code => String.fromCodePoint(code))
      .join('')
    await sink.writeAll(
      rowsOf([
        { id: 1, t: large },
        { id: 2, b: bytes },
        { id: 3, t: all },
      ]),
    )
    const sums = await db.rows(`SELECT id, md5(t) AS t, md5(b) AS b FROM ${tableName} ORDER BY id`)
    const { createHash } = await import('node:crypto')
    const md5 = (data: string | Buffer) => createHash('md5').update(data).digest('hex')
    expect(sums).toEqual([
      { id: '1', t: md5(large), b: null },
      { id: '2', t: null, b: md5(bytes) },
      { id: '3', t: md5(all), b: null },
    ])
  })
})
