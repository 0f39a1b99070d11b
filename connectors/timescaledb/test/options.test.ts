import { describe, expect, it } from 'vitest'
import { parseAddress } from '../src/address.ts'
import { literal, parseTableName, quote } from '../src/identifier.ts'
import definition from '../src/index.ts'
import { typePart } from '../src/type-part.ts'

const working = { connection: { user: 'me' }, tableName: 'metrics' }

function problems(raw: object): { readonly [path: string]: string } {
  const result = definition.parse(raw)
  if (result.ok) throw new Error('expected problems')
  return Object.fromEntries(result.problems.map(({ path, message }) => [path, message]))
}

describe('the configuration', () => {
  it('takes a configuration of Pulsar’s JDBC sink, numbers and booleans as texts', () => {
    const result = definition.parse({
      jdbcUrl: 'jdbc:postgresql://localhost:5432/pulsar_postgres_jdbc_sink',
      userName: 'postgres',
      password: 'password',
      tableName: 'pulsar_postgres_jdbc_sink',
      key: 'id, at',
      nonKey: 'name',
      insertMode: 'UPSERT',
      nullValueAction: 'DELETE',
      timeoutMs: '500',
      batchSize: '200',
      useTransactions: 'true',
      useJdbcBatch: 'false',
      excludeNonDeclaredFields: 'True',
      maxQueueSize: '-1',
    })
    expect(result).toMatchObject({
      ok: true,
      config: { key: ['id', 'at'], batchSize: 200, excludeNonDeclaredFields: true },
    })
  })

  it('has Pulsar’s defaults', () => {
    const result = definition.parse(working)
    if (!result.ok) throw new Error('refused')
    expect(result.config).toMatchObject({
      ...{ key: [], nonKey: [], timeoutMs: 500, batchSize: 200, useTransactions: true, useJdbcBatch: false },
      ...{ insertMode: 'INSERT', nullValueAction: 'FAIL', excludeNonDeclaredFields: false, maxQueueSize: -1 },
    })
    expect(definition.batchPolicy(result.config)).toMatchObject({ maxRecords: 200, maxDelayMs: 500, maxInFlight: 1 })
  })

  it('lists everything at once', () => {
    expect(
      problems({
        tableNam: 'x',
        insertMode: 'UPSERT',
        batchSize: 0,
        timeoutMs: 0,
        ssl: { cert: 'c.pem', mode: 'always' },
        hypertable: { timeColumn: 'time', partitions: 1 },
        createTable: true,
      }),
    ).toEqual({
      tableNam: expect.stringContaining('did you mean tableName?'),
      tableName: expect.stringContaining('required'),
      connection: expect.stringContaining('required'),
      key: expect.stringContaining('insertMode is UPSERT'),
      batchSize: expect.stringContaining('above 0'),
      'hypertable.partitions': expect.stringContaining('at least 2'),
      'ssl.mode': expect.stringContaining('verify-full'),
      'ssl.key': expect.stringContaining('ssl.cert'),
    })
  })

  it.each([
    [{ connectionString: 'postgresql://me@h/d' }, '', 'connection and connectionString'],
    [{ connection: undefined, jdbcUrl: 'jdbc:mysql://h/d', userName: 'me' }, 'jdbcUrl', 'postgresql://'],
    [{ connection: undefined, jdbcUrl: 'jdbc:postgresql://h/d' }, 'userName', 'required'],
    [{ connection: undefined, jdbcUrl: 'jdbc:postgresql://h/d?user=a&password=b' }, 'jdbcUrl', 'password'],
    [{ connection: undefined, jdbcUrl: 'postgresql://me@h/d' }, 'jdbcUrl', 'connectionString'],
    [{ connection: undefined, connectionString: 'postgresql://me@h:x/d' }, 'connectionString', 'is no host'],
    [{ connection: { host: 'h' } }, 'connection.user', 'required'],
    [{ connection: { user: 'a' }, userName: 'b' }, 'userName', 'another user'],
    [{ tableName: 'a.b.c' }, 'tableName', 'metrics'],
    [{ tableName: 'a.' }, 'tableName', 'metrics'],
    [{ key: 'a,b', nonKey: 'b' }, 'nonKey', 'b is in key'],
    [{ nullValueAction: 'DELETE' }, 'key', 'nullValueAction'],
    [{ excludeNonDeclaredFields: true }, 'key', 'no column is left'],
    [{ columns: { a: 'int' }, key: 'b' }, 'key', '"b" is not in columns'],
    [
      { createTable: true, columns: { at: 'timestamptz', id: 'int' }, key: 'id', hypertable: { timeColumn: 'at' } },
      'key',
      'timeColumn at',
    ],
  ])('%j is refused', (change, path, message) => {
    expect(problems({ ...working, ...change })[path]).toContain(message)
  })

  it('repeats no secret', () => {
    const connectionString = 'mysql://me:hidden@h/d'
    expect(JSON.stringify(problems({ ...working, connection: undefined, connectionString }))).not.toContain('hidden')
  })
})

describe('addresses', () => {
  it('have hosts, a database, a user and parameters', () => {
    expect(parseAddress('jdbc:postgresql://a,b:6,[::1]:7/my%20db?sslmode=require')).toEqual({
      hosts: [
        { host: 'a', port: 5432 },
        { host: 'b', port: 6 },
        { host: '::1', port: 7 },
      ],
      database: 'my db',
      user: '',
      password: '',
      parameters: new Map([['sslmode', 'require']]),
    })
    expect(parseAddress('postgres://u%40x:p%3A%2F@h')).toMatchObject({ user: 'u@x', password: 'p:/', database: '' })
    expect(parseAddress('jdbc:postgresql:db')).toMatchObject({
      hosts: [{ host: 'localhost', port: 5432 }],
      database: 'db',
    })
  })
})

describe('names in SQL', () => {
  it.each([
    ['metrics', ['metrics']],
    ['s.metrics', ['s', 'metrics']],
    ['"A.B"."c""d"', ['A.B', 'c"d']],
    ['with blank', ['with blank']],
  ])('%s', (text, parts) => {
    expect(parseTableName(text)).toEqual(parts)
  })

  it('are quoted', () => {
    expect(quote('a"b')).toBe('"a""b"')
    expect(literal("it's")).toBe("'it''s'")
    expect(literal("a\\'b")).toBe(" E'a\\\\''b'")
  })

  it('of types end where the constraints begin', () => {
    expect(typePart('numeric(10, 2) NOT NULL DEFAULT 0')).toBe('numeric(10, 2)')
    expect(typePart('timestamp with time zone')).toBe('timestamp with time zone')
    expect(typePart('text[]  default null')).toBe('text[]')
  })
})
