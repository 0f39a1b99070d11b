import { createServer } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { failure, OpenSink, postgresql, rowsOf, Tester, uniqueName } from '../support.ts'

describe.skipIf(!postgresql.available)('opening', () => {
  if (!postgresql.available) return
  const db = new Tester(postgresql)
  afterAll(() => db.close())
  const connection = db.connection

  it('says that nobody listens, that a host is not known, and that something else answers', async () => {
    const tableName = 't'
    const closed = await failure(OpenSink.open({ connection: { ...connection, port: 1 }, tableName }))
    expect(closed).toMatchObject({ code: 'PIO_PG_UNREACHABLE', retry: 'reconnect' })
    expect(closed.message).toMatch(/postgresql:\/\/127\.0\.0\.1:1\/.*is the server running/)
    const unknown = { ...connection, host: 'no-such-host.invalid' }
    expect(await failure(OpenSink.open({ connection: unknown, tableName }))).toMatchObject({
      code: 'PIO_PG_UNREACHABLE',
      retry: 'reconnect',
    })
    const other = createServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    const http = await failure(OpenSink.open({ connection: { ...connection, port }, tableName }))
    expect(http).toMatchObject({ code: 'PIO_PG_TLS', retry: 'reconnect' })
    expect(http.message).toContain('something else than PostgreSQL')
    other.close()
  })

  it('gives up a server that accepts and says nothing', async () => {
    const silent = createServer(() => undefined)
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const config = { connection: { ...connection, port }, tableName: 't', connectTimeout: 200 }
    expect(await failure(OpenSink.open(config))).toMatchObject({ code: 'PIO_PG_TIMEOUT', retry: 'reconnect' })
    silent.close()
  })

  it.each([
    { user: undefined, password: 'wr0ng-secret' },
    { user: 'nobody_here', password: 'wr0ng-secret' },
    { user: undefined, password: '' },
  ])('blocks on wrong credentials without showing them: %j', async ({ user = connection.user, password }) => {
    const error = await failure(OpenSink.open({ connection: { ...connection, user, password }, tableName: 't' }))
    expect(error).toMatchObject({ name: 'AuthError', code: 'PIO_PG_AUTH', retry: 'block' })
    expect(error.message).toContain(`user "${user}"`)
    expect(JSON.stringify(error) + error.stack).not.toContain('wr0ng-secret')
  })

  it('names a database that is missing', async () => {
    const error = await failure(OpenSink.open({ connection: { ...connection, database: 'nope' }, tableName: 't' }))
    expect(error).toMatchObject({ code: 'PIO_PG_DATABASE', retry: 'block' })
    expect(error.message).toMatch(/^connection\.database: database "nope" does not exist.*create it/)
  })

  it('names a table that is missing, and the one that was probably meant', async () => {
    const tableName = await db.table('n integer')
    const error = await failure(OpenSink.open({ connection, tableName: `${tableName.slice(0, -1)}x` }))
    expect(error).toMatchObject({ code: 'PIO_PG_TARGET', retry: 'block' })
    expect(error.message).toMatch(/^tableName: .*did you mean t_.*createTable/)
    const nothing = await failure(OpenSink.open({ connection, tableName: 'a_schema.b' }))
    expect(nothing.message).toContain('a_schema.b')
  })

  it('lists everything that is wrong with a table at once, each with its fix', async () => {
    const tableName = await db.table('id integer, "time" timestamptz, device text, v double precision')
    const columns = {
      id: 'bigint NOT NULL',
      time: 'timestamptz NOT NULL',
      v: 'float8',
      level: 'numeric(5,2) DEFAULT 0',
    }
    const error = await failure(
      OpenSink.open({
        ...{ connection, tableName, insertMode: 'UPSERT', key: 'id', nonKey: ['time', 'v'] },
        ...{ columns, hypertable: { timeColumn: 'time', segmentBy: 'v' } },
      }),
    )
    expect(error).toMatchObject({ code: 'PIO_PG_TARGET', retry: 'block' })
    expect(error.message.split('\n')).toEqual([
      expect.stringMatching(
        /^columns: "level" is no column .* ALTER TABLE "public"\."t_\w+" ADD COLUMN "level" numeric\(5,2\) DEFAULT 0$/,
      ),
      expect.stringMatching(/^columns\.id: is integer in .* and not bigint/),
      expect.stringMatching(
        /^key: .* has no unique index on \(id\).* CREATE UNIQUE INDEX ON "public"\."t_\w+" \("id"\)$/,
      ),
    ])
    const hypertable = { timeColumn: 'tme', partitionColumn: 'devise' }
    const misspelt = await failure(OpenSink.open({ connection, tableName, key: 'id', nonKey: 'vv', hypertable }))
    expect(misspelt.message.split('\n')).toEqual([
      expect.stringMatching(/^nonKey: "vv" is no column of public\.t_\w+; (did you mean|its columns are) /),
      expect.stringMatching(/^hypertable\.timeColumn: "tme" is no column .* did you mean time\?$/),
      expect.stringMatching(/^hypertable\.partitionColumn: "devise" is no column .* did you mean device\?$/),
    ])
  })

  it('names the rights that are missing, with the GRANT', async () => {
    const tableName = await db.table('id integer PRIMARY KEY')
    const role = `${tableName}_role`
    await db.rows(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'; GRANT SELECT ON ${tableName} TO ${role}`)
    const as = { ...connection, user: role, password: 'secret' }
    const config = { connection: as, tableName, insertMode: 'UPSERT', key: 'id', nullValueAction: 'DELETE' }
    const error = await failure(OpenSink.open(config))
    const grant = (right: string) => `GRANT ${right} ON "public"."${tableName}" TO "${role}"`
    expect(error.message.split('\n')).toEqual(
      ['INSERT', 'UPDATE', 'DELETE'].map(right => expect.stringContaining(grant(right))),
    )
    await db.rows(`GRANT INSERT, UPDATE (id), DELETE ON ${tableName} TO ${role}`)
    await using sink = await OpenSink.open(config)
    await sink.writeAll(rowsOf([{ id: 1 }]))
  })

  it('refuses what is no table', async () => {
    const sequence = uniqueName('s')
    await db.rows(`CREATE SEQUENCE ${sequence}`)
    const error = await failure(OpenSink.open({ connection, tableName: sequence }))
    expect(error.message).toContain('neither a table nor a view')
  })

  it('finds tables by their exact names and by SQL’s, in a schema or in the search path', async () => {
    const name = `Mixed ${uniqueName('Case')}`
    await db.rows(`CREATE TABLE "${name}" ("Some Column" integer)`)
    for (const tableName of [name, `"${name}"`, `public."${name}"`]) {
      await using sink = await OpenSink.open({ connection, tableName })
      await sink.writeAll(rowsOf([{ 'Some Column': 1 }]))
    }
    expect(await db.value(`SELECT count(*) FROM "${name}"`)).toBe('3')
    const lower = await db.table('n integer')
    await using sink = await OpenSink.open({ connection, tableName: lower.toUpperCase() })
    await sink.writeAll(rowsOf([{ n: 1 }]))
  })

  it('makes a table that is missing, once, whoever comes first', async () => {
    const tableName = uniqueName('made')
    const columns = { time: 'timestamptz NOT NULL', device: 'text', value: 'double precision DEFAULT 1.5' }
    const config = { connection, tableName, createTable: true, columns, key: ['time', 'device'], insertMode: 'UPSERT' }
    const sinks = await Promise.all([1, 2, 3].map(() => OpenSink.open(config)))
    for (const sink of sinks) await sink.writeAll(rowsOf([{ time: 0, device: 'a' }]))
    expect(await db.rows(`SELECT * FROM ${tableName}`)).toEqual([
      { time: '1970-01-01 00:00:00+00', device: 'a', value: '1.5' },
    ])
    for (const sink of sinks) await sink[Symbol.asyncDispose]()
  })

  it('lists all types that are none, before it makes anything', async () => {
    const tableName = uniqueName('made')
    const columns = { a: 'timestmp', b: 'integer', c: 'flot8 NOT NULL', d: 'numeric(10,2) DEFAULT 0 CHECK (d > 0)' }
    const error = await failure(OpenSink.open({ connection, tableName, createTable: true, columns }))
    expect(error.message.split('\n')).toEqual([
      'columns.a: "timestmp" is no type here',
      'columns.c: "flot8" is no type here',
    ])
    expect(await db.value(`SELECT to_regclass('${tableName}')`)).toBe(null)
  })

  it('says once that hypertables are off on plain PostgreSQL, and goes on', async () => {
    const tableName = await db.table('"time" timestamptz NOT NULL, v integer')
    const hypertable = { timeColumn: 'time', chunkInterval: '1 day', compressAfter: '7 days', dropAfter: '1 year' }
    await using sink = await OpenSink.open({ connection, tableName, hypertable })
    await sink.writeAll(rowsOf([{ time: 0, v: 1 }]))
    await sink.writeAll(rowsOf([{ time: 1, v: 2 }]))
    expect(sink.context.logger.messages('warn')).toEqual([expect.stringMatching(/TimescaleDB is not in this database/)])
    expect(await db.value(`SELECT count(*) FROM ${tableName}`)).toBe('2')
  })

  it('takes the address as connection, connectionString and jdbcUrl, several hosts included', async () => {
    const tableName = await db.table('n integer')
    const { host, port, database, user = '', password = '' } = connection
    const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`
    const ways = [
      { connection: { host, port: String(port), database, user, password } },
      { connection: { host: `127.0.0.1:1, ${host}`, port, database }, userName: user, password },
      { connectionString: `postgresql://${login}@${host}:${port}/${database}` },
      { connectionString: `postgres://${host}:1,${host}:${port}/${database}?user=${user}`, password },
      { jdbcUrl: `jdbc:postgresql://${host}:${port}/${database}?reWriteBatchedInserts=true`, userName: user, password },
      { jdbcUrl: `jdbc:postgresql://${host}:${port}/${database}?prepareThreshold=0`, userName: user, password },
    ]
    for (const way of ways) {
      await using sink = await OpenSink.open({ connection: undefined, ...way, tableName })
      await sink.writeAll(rowsOf([{ n: 1 }]))
      if (JSON.stringify(way).includes('prepareThreshold'))
        expect(sink.context.logger.messages('info')).toContainEqual(expect.stringContaining('prepareThreshold'))
    }
    expect(await db.value(`SELECT count(*) FROM ${tableName}`)).toBe(String(ways.length))
  })
})
