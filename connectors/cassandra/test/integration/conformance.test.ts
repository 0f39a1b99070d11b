import { sinkFaults, tcpProxy } from '@pulsar-io/testkit'
import { type SinkConformanceOptions, sinkConformance } from '@pulsar-io/testkit/conformance'
import { service } from '@pulsar-io/tooling/services'
import { afterAll, describe } from 'vitest'
import cassandra from '../../src/index.ts'
import { Server } from '../server.ts'

const plain = await service('cassandra')
const secured = await service('cassandra-secured')
const server = plain.available ? await Server.use(plain) : undefined
afterAll(() => server?.close())

/** The largest row, of which the tests know no more than what the server says itself. */
const [setting] =
  (await server?.query(`SELECT value FROM system_views.settings WHERE name = 'max_mutation_size'`)) ?? []
const largest = Number.parseInt(String(setting?.value ?? '16384KiB'), 10) * 1024

function options(mode: 'fields' | 'key and value'): SinkConformanceOptions {
  const fields = mode === 'fields'
  return {
    definition: cassandra,
    capabilities: {
      // A table has the order of its keys.
      ordered: false,
      keys: !fields,
      properties: false,
      upsert: true,
      tombstone: { effect: 'deletes' },
      faults: 'network',
      fenced: false,
    },
    place: async () => {
      if (!server) throw new Error('there is no Cassandra')
      const table = await server.table(
        fields ? 'id text PRIMARY KEY, text text, n int' : 'key text PRIMARY KEY, value blob',
      )
      const proxy = await tcpProxy(server.roots)
      return {
        config: {
          ...table.config,
          roots: `${proxy.host}:${proxy.port}`,
          connectTimeoutInMs: 1000,
          requestTimeoutInMs: 3000,
          ...(fields ? {} : { keyname: 'key', columnName: 'value' }),
        },
        faults: sinkFaults(proxy),
        read: async () => {
          const rows = await server.query(`SELECT * FROM ${table.full}`)
          return rows.map(row => {
            const item = (fields ? row : JSON.parse(String(row.value))) as {
              readonly id: string
              readonly text: string
            }
            return { id: item.id, text: item.text, ...(fields ? {} : { key: String(row.key) }) }
          })
        },
        close: () => proxy.close(),
      }
    },
    record: ({ id, text }) => ({ key: id, value: Buffer.from(JSON.stringify({ id, text })) }),
    poison: fields
      ? ({ id, text }) => ({ key: id, value: JSON.stringify({ id, text, n: 'not a number' }) })
      : ({ text }) => ({ key: 'k'.repeat(70_000), value: text }),
    tooLarge: ({ id }) => ({ key: id, value: JSON.stringify({ id, text: 'x'.repeat(largest + 1) }) }),
    largeTextLength: Math.min(1024 * 1024, largest / 4),
    mistakes: {
      wrongAddress: { config: config => ({ ...config, roots: '127.0.0.1:1' }), names: '127.0.0.1:1' },
      missingTarget: { config: config => ({ ...config, columnFamily: 'no_such_table' }), names: 'no_such_table' },
      ...(secured.available
        ? {
            wrongCredentials: {
              config: config => ({
                ...config,
                roots: new URL(secured.url).host,
                userName: 'owner',
                password: 'not-the-word-at-all',
              }),
              secret: 'not-the-word-at-all',
            },
          }
        : {}),
    },
  }
}

describe.skipIf(!server)('conformance on a real server', () => {
  sinkConformance('cassandra, fields', options('fields'))
  sinkConformance('cassandra, key and value', options('key and value'))
})
