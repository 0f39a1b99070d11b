import { tcpProxy } from '@pulsar-io/testkit'
import { service } from '@pulsar-io/tooling/services'
import { afterAll, describe, expect, it } from 'vitest'
import { checkpointOf, codes, failure, OpenSink, postgresql, rowsOf, Tester, TOPIC, uniqueName } from '../support.ts'

const numbers = (from: number, to: number) =>
  rowsOf(
    Array.from({ length: to - from }, (_, i) => ({ n: from + i })),
    from,
  )

describe.skipIf(!postgresql.available)('a server that makes trouble', () => {
  if (!postgresql.available) return
  const db = new Tester(postgresql)
  afterAll(() => db.close())
  const connection = db.connection

  it('takes too long: the statement ends, and is tried again', async () => {
    const tableName = await db.table('n integer')
    await using sink = await OpenSink.open({ connection, tableName, statementTimeout: '300ms' })
    const held = db.rows(`BEGIN; LOCK TABLE ${tableName}; SELECT pg_sleep(1.5); COMMIT`)
    await expect
      .poll(() => db.value(`SELECT count(*) FROM pg_locks WHERE relation = '${tableName}'::regclass`))
      .toBe('1')
    expect(await failure(sink.write(numbers(0, 5)))).toMatchObject({ code: 'PIO_PG_TIMEOUT', retry: 'reconnect' })
    await held
    await sink.writeAll(numbers(0, 5))
    expect(await db.value(`SELECT count(*) FROM ${tableName}`)).toBe('5')
  })

  it('goes silent: the connection is given up soon after the timeout', async () => {
    const tableName = await db.table('n integer')
    const proxy = await tcpProxy(db.server.url)
    const through = { ...connection, host: proxy.host, port: String(proxy.port) }
    await using sink = await OpenSink.open({ connection: through, tableName, statementTimeout: '100ms' })
    proxy.silent = true
    const error = await failure(sink.write(numbers(0, 5)))
    expect(error).toMatchObject({ code: 'PIO_PG_TIMEOUT', retry: 'reconnect' })
    await proxy.close()
  })

  it('is slow: it is waited for', async () => {
    const tableName = await db.table('n integer')
    const proxy = await tcpProxy(db.server.url)
    const through = { ...connection, host: proxy.host, port: String(proxy.port) }
    await using sink = await OpenSink.open({ connection: through, tableName }, { guarantee: 'EFFECTIVELY_ONCE' })
    proxy.latencyMs = 50
    for (let from = 0; from < 50; from += 10) await sink.writeAll(numbers(from, from + 10))
    expect(await db.value(`SELECT count(*) FROM ${tableName}`)).toBe('50')
    await proxy.close()
  })

  it('ends an idle connection: the next batch gets a new one', async () => {
    const tableName = await db.table('n integer')
    const name = uniqueName('idle')
    await using sink = await OpenSink.open({ connection, tableName }, { name, guarantee: 'EFFECTIVELY_ONCE' })
    await sink.writeAll(numbers(0, 5))
    const mine = `FROM pg_stat_activity WHERE application_name = 'pulsar-io public/default/${name}'`
    await db.rows(`SELECT pg_terminate_backend(pid) ${mine}`)
    await expect.poll(() => db.value(`SELECT count(*) ${mine}`)).toBe('0')
    await expect
      .poll(() =>
        sink
          .write(numbers(5, 10))
          .catch(error => [error])
          .then(codes),
      )
      .toEqual(Array(5).fill(undefined))
    expect(await db.value(`SELECT count(*) FROM ${tableName}`)).toBe('10')
  })

  it('ends a connection in the middle of a transaction: nothing of it is left', async () => {
    const tableName = await db.table('n integer')
    const name = uniqueName('ended')
    await using sink = await OpenSink.open({ connection, tableName }, { name, guarantee: 'EFFECTIVELY_ONCE' })
    const held = db.rows(`BEGIN; LOCK TABLE ${tableName}; SELECT pg_sleep(1); COMMIT`)
    await expect
      .poll(() => db.value(`SELECT count(*) FROM pg_locks WHERE relation = '${tableName}'::regclass`))
      .toBe('1')
    const writing = failure(sink.write(numbers(0, 5)))
    const waiting = `FROM pg_stat_activity WHERE application_name LIKE '%${name}' AND wait_event_type = 'Lock'`
    await expect.poll(() => db.value(`SELECT count(*) ${waiting}`)).toBe('1')
    await db.rows(`SELECT pg_terminate_backend(pid) ${waiting}`)
    expect(await writing).toMatchObject({ code: 'PIO_PG_UNAVAILABLE', retry: 'reconnect' })
    await held
    expect(await db.value(`SELECT count(*) FROM ${tableName}`)).toBe('0')
    await sink.writeAll(numbers(0, 5))
  })

  it('has no connection left', async () => {
    const tableName = await db.table('n integer')
    const role = `${tableName}_role`
    await db.rows(
      `CREATE ROLE ${role} LOGIN PASSWORD 'secret' CONNECTION LIMIT 0; GRANT INSERT ON ${tableName} TO ${role}`,
    )
    const as = { ...connection, user: role, password: 'secret' }
    const error = await failure(OpenSink.open({ connection: as, tableName }))
    expect(error).toMatchObject({ code: 'PIO_PG_UNAVAILABLE', retry: 'reconnect' })
    expect(error.message).toContain('too many connections')
  })

  it.each([
    ['53100', 'PIO_PG_FULL', 'block'],
    ['58030', 'PIO_PG_FULL', 'block'],
    ['40P01', 'PIO_PG_BUSY', 'retry'],
    ['42501', 'PIO_PG_FORBIDDEN', 'block'],
    ['42P01', 'PIO_PG_REFUSED', 'block'],
    ['25006', 'PIO_PG_READ_ONLY', 'reconnect'],
  ])('says %s: no row is blamed (%s)', async (state, code, retry) => {
    const tableName = await db.table('n integer')
    await db.rows(`CREATE FUNCTION ${tableName}_f() RETURNS trigger LANGUAGE plpgsql AS
      $$BEGIN RAISE 'as if' USING ERRCODE = '${state}'; END$$;
      CREATE TRIGGER t BEFORE INSERT ON ${tableName} FOR EACH ROW EXECUTE FUNCTION ${tableName}_f()`)
    await using sink = await OpenSink.open({ connection, tableName })
    expect(await failure(sink.write(numbers(0, 5)))).toMatchObject({ code, retry })
    await db.rows(`DROP TRIGGER t ON ${tableName}`)
    await sink.writeAll(numbers(0, 5))
  })

  it('lost a column while the sink was writing', async () => {
    const tableName = await db.table('n integer, t text')
    await using sink = await OpenSink.open({ connection, tableName })
    await sink.writeAll(numbers(0, 5))
    await db.rows(`ALTER TABLE ${tableName} DROP COLUMN t`)
    const error = await failure(sink.write(numbers(5, 10)))
    expect(error).toMatchObject({ code: 'PIO_PG_REFUSED', retry: 'block' })
    await using again = await OpenSink.open({ connection, tableName })
    await again.writeAll(numbers(5, 10))
  })

  it('is not held to more connections than allowed', async () => {
    const tableName = await db.table('n integer')
    const name = uniqueName('many')
    await using sink = await OpenSink.open({ connection, tableName, connections: 3 }, { name })
    await Promise.all(Array.from({ length: 20 }, (_, i) => sink.writeAll(numbers(i * 10, i * 10 + 10))))
    expect(await db.value(`SELECT count(*) FROM ${tableName}`)).toBe('200')
    const open = await db.value(`SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%${name}'`)
    expect(Number(open)).toBe(3)
  })
})

const own = await service('postgresql', { dedicated: true })
afterAll(async () => {
  if (own.available) await own.close()
})

describe.skipIf(!own.available || !postgresql.available)('a server of one’s own', { timeout: 60_000 }, () => {
  if (!own.available || !postgresql.available) return
  const db = new Tester(own)
  const other = new Tester(postgresql)
  afterAll(() => Promise.all([db.close(), other.close()]))
  const connection = db.connection

  it('that is killed in the middle of batches has each row once', async () => {
    const tableName = await db.table('n integer')
    const config = { connection, tableName }
    const open = () => OpenSink.open(config, { guarantee: 'EFFECTIVELY_ONCE', name: 'killed' })
    let sink = await open()
    let position = 0
    for (let kill = 0; kill < 3; kill++) {
      const killed = new Promise(resolve => setTimeout(resolve, 150)).then(() => own.kill())
      for (;;) {
        const records = numbers(position, position + 500)
        const error = await sink.write(records, { checkpoint: checkpointOf(records) }).then(
          () => undefined,
          (thrown: Error & { retry?: string }) => thrown,
        )
        if (error) {
          expect(error).toMatchObject({ retry: 'reconnect' })
          break
        }
        position += 500
      }
      await killed
      await sink[Symbol.asyncDispose]()
      await own.start()
      sink = await open()
      const [committed] = await sink.sink.committed()
      // What the runtime does: it goes on behind what is in, whether or not we heard of it.
      if (committed) position = Number(committed.position.entryId) + 1
      expect(committed?.topic).toBe(TOPIC)
    }
    await sink.writeAll(numbers(position, position + 500))
    await sink[Symbol.asyncDispose]()
    const counted = await db.rows(
      `SELECT count(*) AS all, count(DISTINCT n) AS different, max(n) + 1 AS next FROM ${tableName}`,
    )
    const total = String(position + 500)
    expect(counted).toEqual([{ all: total, different: total, next: total }])
  })

  it('that takes no writes any more is left for the primary', async () => {
    const role = uniqueName('both')
    const tableName = uniqueName('t')
    for (const server of [db, other])
      await server.rows(
        `CREATE ROLE ${role} LOGIN PASSWORD 'secret'; CREATE TABLE ${tableName} (n integer); GRANT INSERT ON ${tableName} TO ${role}`,
      )
    const host = `127.0.0.1:${connection.port},127.0.0.1:${other.connection.port}`
    const both = { connection: { host, database: 'postgres', user: role, password: 'secret' }, tableName }
    const alone = { ...both, connection: { ...both.connection, host: `127.0.0.1:${connection.port}` } }
    await using sink = await OpenSink.open(both)
    await sink.writeAll(numbers(0, 5))
    await db.rows('ALTER SYSTEM SET default_transaction_read_only = on')
    await db.rows('SELECT pg_reload_conf()')
    await expect.poll(() => db.value('SHOW default_transaction_read_only')).toBe('on')
    expect(await failure(sink.write(numbers(5, 10)))).toMatchObject({ code: 'PIO_PG_READ_ONLY', retry: 'reconnect' })
    const refused = await failure(OpenSink.open(alone))
    expect(refused).toMatchObject({ code: 'PIO_PG_READ_ONLY', retry: 'reconnect' })
    expect(refused.message).toContain('standby')
    await using moved = await OpenSink.open(both)
    await moved.writeAll(numbers(5, 10))
    expect(await other.value(`SELECT count(*) FROM ${tableName}`)).toBe('5')
  })
})
