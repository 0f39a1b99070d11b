import type { SinkDelivery } from '@pulsar-io/sdk'
import { afterAll, describe, expect, it } from 'vitest'
import { runSinkClause, type SinkConformanceOptions, sinkClauses, sinkConformance } from '../src/conformance/index.ts'
import { sinkFaults, tcpProxy } from '../src/index.ts'
import { FakeServer, PASSWORD } from './fake/server.ts'
import { fakeSink, type SinkDefect } from './fake/sink.ts'

const server = new FakeServer()
const address = await server.start()
afterAll(() => server.close())
let places = 0

function options(delivery: SinkDelivery, defect?: SinkDefect): SinkConformanceOptions {
  return {
    definition: fakeSink(delivery, defect),
    capabilities: {
      ordered: true,
      keys: true,
      properties: true,
      upsert: config => ({ ...config, upsert: true }),
      tombstone: { effect: 'deletes', config: config => ({ ...config, upsert: true }) },
      faults: 'network',
      fenced: delivery === 'transactional',
    },
    place: async () => {
      const proxy = await tcpProxy(address)
      const table = `t${places++}`
      server.create(table)
      return {
        config: { address: `127.0.0.1:${proxy.port}`, table, password: PASSWORD },
        faults: sinkFaults(proxy),
        read: async () =>
          server.rows(table).map(({ key, value, properties }) => ({
            ...(JSON.parse(value ?? '{}') as { id: string; text: string }),
            key: key ?? undefined,
            properties,
          })),
        close: () => proxy.close(),
      }
    },
    poison: () => ({ value: 'poison' }),
    mistakes: {
      wrongAddress: { config: config => ({ ...config, address: '127.0.0.1:1' }), names: '127.0.0.1:1' },
      wrongCredentials: { config: config => ({ ...config, password: 'not-the-word' }), secret: 'not-the-word' },
      missingTarget: { config: config => ({ ...config, table: 'nowhere' }), names: 'nowhere' },
    },
    patienceMs: defect === undefined ? 10_000 : 400,
  }
}

for (const delivery of ['at-least-once', 'idempotent', 'transactional'] as const)
  sinkConformance(`fake, ${delivery}`, options(delivery))

describe('a sink that breaks a promise', () => {
  const caught: readonly [SinkDefect, SinkDelivery, string][] = [
    ['connects-early', 'idempotent', 'SINK-01'],
    ['keeps-timer', 'idempotent', 'SINK-03'],
    ['keeps-socket', 'idempotent', 'SINK-03'],
    ['takes-typos', 'idempotent', 'SINK-04'],
    ['vague-address', 'idempotent', 'SINK-05'],
    ['stops-at-outage', 'idempotent', 'SINK-05'],
    ['tells-password', 'idempotent', 'SINK-06'],
    ['wrong-is-transient', 'idempotent', 'SINK-06'],
    ['wrong-is-transient', 'idempotent', 'SINK-07'],
    ['stops-at-outage', 'idempotent', 'SINK-08'],
    ['waits-forever', 'idempotent', 'SINK-09'],
    ['drops-empty', 'idempotent', 'SINK-14'],
    ['loses-last', 'idempotent', 'SINK-11'],
    ['reverses', 'idempotent', 'SINK-11'],
    ['loses-last', 'idempotent', 'SINK-12'],
    ['ascii', 'idempotent', 'SINK-13'],
    ['cuts-large', 'idempotent', 'SINK-15'],
    ['drops-key', 'idempotent', 'SINK-16'],
    ['drops-properties', 'idempotent', 'SINK-17'],
    ['ignores-tombstone', 'idempotent', 'SINK-18'],
    ['writes-twice', 'idempotent', 'SINK-19'],
    ['fails-batch', 'idempotent', 'SINK-20'],
    ['loses-around-poison', 'idempotent', 'SINK-21'],
    ['fails-batch', 'idempotent', 'SINK-22'],
    ['writes-twice', 'idempotent', 'SINK-30'],
    ['writes-twice', 'idempotent', 'SINK-31'],
    ['no-checkpoint', 'transactional', 'SINK-41'],
    ['half-transaction', 'transactional', 'SINK-42'],
    ['half-transaction', 'transactional', 'SINK-43'],
    ['not-fenced', 'transactional', 'SINK-44'],
    ['swallows-outage', 'idempotent', 'SINK-50'],
    ['swallows-outage', 'idempotent', 'SINK-51'],
    ['waits-forever', 'idempotent', 'SINK-52'],
    ['hangs-on-close', 'idempotent', 'SINK-53'],
    ['swallows-outage', 'idempotent', 'SINK-54'],
    ['tells-password', 'idempotent', 'SINK-60'],
  ]

  it.each(caught)('is caught: %s (%s) by %s', async (defect, delivery, id) => {
    const clause = sinkClauses.find(one => one.id === id)
    if (!clause) throw new Error(`no clause ${id}`)
    const error = await runSinkClause(clause, options(delivery, defect)).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(Error)
    expect(String(error)).not.toContain(PASSWORD)
  })
})

describe('clauses', () => {
  it('have numbers of their own', () => {
    const ids = sinkClauses.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual([...ids].sort())
    for (const id of ids) expect(id).toMatch(/^SINK-\d\d$/)
  })
})
