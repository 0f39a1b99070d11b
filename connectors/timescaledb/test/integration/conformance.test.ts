import { sinkFaults, tcpProxy } from '@pulsar-io/testkit'
import { type SinkConformanceOptions, sinkConformance } from '@pulsar-io/testkit/conformance'
import { afterAll, describe } from 'vitest'
import definition from '../../src/index.ts'
import { postgresql, Tester, uniqueName } from '../support.ts'

describe.skipIf(!postgresql.available)('conformance on PostgreSQL', () => {
  if (!postgresql.available) return
  const db = new Tester(postgresql)
  afterAll(() => db.close())

  const options: SinkConformanceOptions = {
    definition,
    capabilities: {
      ordered: false,
      keys: false,
      properties: false,
      upsert: working => ({ ...working, insertMode: 'UPSERT', key: 'id' }),
      tombstone: {
        effect: 'deletes',
        config: working => ({ ...working, key: 'id', nullValueAction: 'DELETE' }),
      },
      faults: 'network',
      fenced: true,
    },
    async place() {
      const tableName = uniqueName('conformance')
      await db.rows(`CREATE TABLE ${tableName} (id text, text text CHECK (text <> 'poison'), UNIQUE (id))`)
      const proxy = await tcpProxy(db.server.url)
      const connection = { ...db.connection, host: proxy.host, port: proxy.port }
      return {
        config: { connection, tableName, statementTimeout: '10s', connectTimeout: '5s', timeoutMs: 10 },
        faults: sinkFaults(proxy),
        async read() {
          const rows = await db.rows(`SELECT id, text FROM ${tableName} ORDER BY ctid`)
          return rows.map(({ id, text }) => ({ id: id ?? '', text: text ?? '' }))
        },
        async close() {
          await proxy.close()
          await db.rows(`DROP TABLE ${tableName}`)
        },
      }
    },
    poison: ({ id }) => ({ key: id, value: { id, text: 'poison' } }),
    // An index entry has a limit, about a third of a page.
    tooLarge: ({ id }) => ({ key: id, value: { id: `${id}${noise(20_000)}`, text: 'x' } }),
    mistakes: {
      wrongAddress: {
        config: working => ({ ...working, connection: { ...(working.connection as object), port: 1 } }),
        names: '127.0.0.1:1',
      },
      wrongCredentials: {
        config: working => ({
          ...working,
          connection: { ...(working.connection as object), password: 'not-the-password' },
        }),
        secret: 'not-the-password',
      },
      missingTarget: { config: working => ({ ...working, tableName: 'no_such_table' }), names: 'no_such_table' },
    },
    secrets: db.server.credentials ? [db.server.credentials.password] : [],
    largeTextLength: 10 * 1024 * 1024,
  }
  sinkConformance('timescaledb', options)
  sinkConformance('timescaledb, ATLEAST_ONCE', { ...options, guarantee: 'ATLEAST_ONCE' })
})

/** A text that does not compress. */
function noise(length: number): string {
  let state = 1
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % 36
  }
  return Array.from({ length }, () => next().toString(36)).join('')
}
