import { afterAll, describe, expect, it } from 'vitest'
import { codes, OpenSink, postgresql, rowsOf, Tester } from '../support.ts'

describe.skipIf(!postgresql.available)('types of PostgreSQL', () => {
  if (!postgresql.available) return
  const db = new Tester(postgresql)
  afterAll(() => db.close())
  const connection = { ...db.connection }

  /** Writes one value into a column of the type, and gives what the column then holds. */
  async function through(type: string, value: unknown, config = {}): Promise<string | null> {
    const tableName = await db.table(`v ${type}`)
    await using sink = await OpenSink.open({ connection, tableName, ...config })
    await sink.writeAll(rowsOf([{ v: value }]))
    return db.value(`SELECT v FROM ${tableName}`)
  }

  const raw = (text: string): unknown => (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text)

  it.each([
    ['integer', 42, '42'],
    ['bigint', 9223372036854775807n, '9223372036854775807'],
    ['bigint', '-9223372036854775808', '-9223372036854775808'],
    ['numeric', '12345678901234567890.123456789', '12345678901234567890.123456789'],
    ['numeric', 0.1, '0.1'],
    ['numeric', raw('1.00000000000000000001'), '1.00000000000000000001'],
    ['numeric(10,2)', '99999999.99', '99999999.99'],
    ['numeric', Number.NaN, 'NaN'],
    ['double precision', 1e300, '1e+300'],
    ['double precision', -0, '-0'],
    ['double precision', Number.POSITIVE_INFINITY, 'Infinity'],
    ['real', 0.5, '0.5'],
    ['boolean', true, 't'],
    ['boolean', false, 'f'],
    ['text', 'tab\tline\nreturn\rback\\slash \\N \\.', 'tab\tline\nreturn\rback\\slash \\N \\.'],
    ['text', '', ''],
    ['text', null, null],
    ['text', 12.5, '12.5'],
    ['text', true, 'true'],
    ['text', { a: [1, 2n ** 60n] }, '{"a":[1,1152921504606846976]}'],
    ['text', Buffer.from('grüße'), 'grüße'],
    ['varchar(3)', 'äöü', 'äöü'],
    ['char(3)', 'ab', 'ab '],
    ['uuid', '550e8400-e29b-41d4-a716-446655440000', '550e8400-e29b-41d4-a716-446655440000'],
    ['uuid', Buffer.from('550e8400e29b41d4a716446655440000', 'hex'), '550e8400-e29b-41d4-a716-446655440000'],
    ['bytea', Buffer.from([0, 1, 255, 92]), '\\x0001ff5c'],
    ['bytea', new Uint8Array(0), '\\x'],
    ['bytea', 'AAH/XA==', '\\x0001ff5c'],
    ['bytea', '\\x0001ff5c', '\\x0001ff5c'],
    ['json', { b: 1, a: 'x\ny' }, '{"b":1,"a":"x\\ny"}'],
    ['jsonb', { n: 9007199254740993n, d: '"\\' }, '{"d": "\\"\\\\", "n": 9007199254740993}'],
    ['jsonb', 'just text', '"just text"'],
    ['jsonb', '{"already": ["json"]}', '{"already": ["json"]}'],
    ['jsonb', '[not json', '"[not json"'],
    ['jsonb', 3, '3'],
    ['jsonb', [1, null, { a: raw('0.1000000000000000000001') }], '[1, null, {"a": 0.1000000000000000000001}]'],
    ['timestamptz', '2026-01-31T12:00:00.123456+02:00', '2026-01-31 10:00:00.123456+00'],
    ['timestamptz', '2026-01-31 12:00', '2026-01-31 12:00:00+00'],
    ['timestamptz', new Date('2026-01-31T12:00:00.123Z'), '2026-01-31 12:00:00.123+00'],
    ['timestamptz', new Date(Date.UTC(12026, 0, 31)), '12026-01-31 00:00:00+00'],
    ['timestamptz', new Date('-000043-03-15T00:00:00Z'), '0044-03-15 00:00:00+00 BC'],
    ['timestamptz', 1769860800123, '2026-01-31 12:00:00.123+00'],
    ['timestamptz', -1, '1969-12-31 23:59:59.999+00'],
    ['timestamptz', 1769860800123n, '2026-01-31 12:00:00.123+00'],
    ['timestamp', new Date('2026-01-31T12:00:00.123Z'), '2026-01-31 12:00:00.123'],
    ['timestamp', 1769860800123, '2026-01-31 12:00:00.123'],
    ['date', new Date('2026-01-31T23:59:59Z'), '2026-01-31'],
    ['date', '2026-01-31', '2026-01-31'],
    ['time', new Date('1970-01-01T12:34:56.789Z'), '12:34:56.789'],
    ['time', '12:34:56', '12:34:56'],
    ['time', 45296789, '12:34:56.789'],
    ['timetz', new Date('1970-01-01T12:34:56.789Z'), '12:34:56.789+00'],
    ['interval', '1 day 02:00', '1 day 02:00:00'],
    ['inet', '10.0.0.1', '10.0.0.1'],
    ['integer[]', [1, null, 3], '{1,NULL,3}'],
    ['integer[]', [], '{}'],
    ['integer[]', '{4,5}', '{4,5}'],
    [
      'integer[]',
      [
        [1, 2],
        [3, 4],
      ],
      '{{1,2},{3,4}}',
    ],
    ['text[]', ['a"b', 'c\\d', 'e,f', 'NULL', '', ' g\nh'], '{"a\\"b","c\\\\d","e,f","NULL",""," g\nh"}'],
    ['timestamptz[]', [new Date(0)], '{"1970-01-01 00:00:00+00"}'],
    ['bytea[]', [Buffer.from([1, 2])], '{"\\\\x0102"}'],
    ['jsonb[]', [{ a: 1 }, [1, 2]], '{"{\\"a\\": 1}","[1, 2]"}'],
    ['numeric[]', ['1.10', 2n], '{1.10,2}'],
    ['int4range', '[1,5)', '[1,5)'],
    ['point', '(1,2)', '(1,2)'],
  ])('%s takes %o', async (type, value, expected) => {
    expect(await through(type, value)).toBe(expected)
  })

  it.each([
    ['s', 1769860800.5, '2026-01-31 12:00:00.5+00'],
    ['s', 1769860800n, '2026-01-31 12:00:00+00'],
    ['us', 1769860800123456, '2026-01-31 12:00:00.123456+00'],
    ['us', 1769860800123456n, '2026-01-31 12:00:00.123456+00'],
    ['ns', 1769860800123456789n, '2026-01-31 12:00:00.123456+00'],
  ])('a number is a time in %s', async (timestampUnit, value, expected) => {
    expect(await through('timestamptz', value, { timestampUnit })).toBe(expected)
  })

  it('enums and domains are what they stand for', async () => {
    const name = `pio_${process.pid}`
    await db.rows(`CREATE TYPE ${name}_mood AS ENUM ('sad', 'happy');
      CREATE DOMAIN ${name}_small AS integer CHECK (value < 10); CREATE DOMAIN ${name}_smaller AS ${name}_small;
      CREATE DOMAIN ${name}_at AS timestamptz`)
    expect(await through(`${name}_mood`, 'happy')).toBe('happy')
    expect(await through(`${name}_smaller`, 3)).toBe('3')
    expect(await through(`${name}_at`, 0)).toBe('1970-01-01 00:00:00+00')
    const tableName = await db.table(`v ${name}_smaller`)
    await using sink = await OpenSink.open({ connection, tableName })
    const [outcome] = await sink.write(rowsOf([{ v: 11 }]))
    expect(outcome?.message).toContain('violates check constraint')
  })

  it('a JSON text keeps every digit of its numbers', async () => {
    const tableName = await db.table('i bigint, n numeric, j jsonb')
    await using sink = await OpenSink.open({ connection, tableName })
    const text = '{"i":9007199254740993,"n":0.12345678901234567890123,"j":{"n":12345678901234567890.5}}'
    await sink.writeAll(rowsOf([text, Buffer.from(text)]))
    const row = { i: '9007199254740993', n: '0.12345678901234567890123', j: '{"n": 12345678901234567890.5}' }
    expect(await db.rows(`SELECT * FROM ${tableName}`)).toEqual([row, row])
  })

  it.each([
    ['integer', 'abc', /invalid input syntax for type integer: "abc" \(SQLSTATE 22P02, column v\)/],
    ['integer', 1.5, /SQLSTATE 22P02, column v/],
    ['smallint', 40000, /out of range.*SQLSTATE 22003, column v/],
    ['varchar(3)', 'abcd', /too long.*SQLSTATE 22001, column v/],
    ['numeric(4,2)', '123.45', /numeric field overflow.*SQLSTATE 22003, column v/],
    ['integer NOT NULL', null, /null value.*SQLSTATE 23502, column v/],
    ['integer CHECK (v > 0)', 0, /violates check constraint.*SQLSTATE 23514/],
    ['text', 'nul \u0000 character', /invalid byte sequence.*SQLSTATE 22021/],
    ['jsonb', { a: 'nul \u0000' }, /SQLSTATE 22P05/],
    ['timestamptz', 'yesterday morning', /SQLSTATE 22007, column v/],
    ['integer[]', ['x'], /SQLSTATE 22P02, column v/],
    ['uuid', 'no-uuid', /SQLSTATE 22P02, column v/],
  ])('%s refuses %o with PostgreSQL’s own reason', async (type, value, reason) => {
    const tableName = await db.table(`v ${type}`)
    await using sink = await OpenSink.open({ connection, tableName })
    const [outcome] = await sink.write(rowsOf([{ v: value }]))
    expect(codes([outcome])).toEqual(['PIO_PG_REJECTED'])
    expect(outcome).toMatchObject({ retry: 'reject', message: expect.stringMatching(reason) })
  })

  it.each([
    ['text', 'half \ud83d', /unpaired surrogate/],
    ['text', Buffer.from([0xff]), /not UTF-8/],
    ['bytea', 'not base64!', /base64/],
    ['bytea', 5, /a number/],
    ['integer[]', { a: 1 }, /takes a list/],
    ['timestamptz', new Date(Number.NaN), /invalid date/],
    ['text', () => 1, /a function/],
  ])('%s cannot be given %o', async (type, value, reason) => {
    const tableName = await db.table(`v ${type}`)
    await using sink = await OpenSink.open({ connection, tableName })
    const outcomes = await sink.write(rowsOf([{ v: value }]))
    expect(codes(outcomes)).toEqual(['PIO_PG_VALUE'])
    expect(outcomes[0]?.message).toMatch(reason)
    expect(await db.value(`SELECT count(*) FROM ${tableName}`)).toBe('0')
  })
})
