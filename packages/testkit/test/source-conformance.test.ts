import { afterAll, describe, expect, it } from 'vitest'
import {
  runSourceClause,
  type SourceConformanceOptions,
  sourceClauses,
  sourceConformance,
} from '../src/conformance/index.ts'
import { sourceFaults, tcpProxy } from '../src/index.ts'
import { FakeServer, PASSWORD } from './fake/server.ts'
import { fakeSource, type SourceDefect } from './fake/source.ts'

const server = new FakeServer()
const address = await server.start()
afterAll(() => server.close())
let places = 0

function options(style: 'pull' | 'push', defect?: SourceDefect): SourceConformanceOptions {
  return {
    definition: fakeSource(style, defect),
    capabilities: {
      readsEarlier: true,
      acks: true,
      keys: true,
      properties: true,
      ordered: true,
      poison: true,
      tombstones: true,
      faults: 'network',
      readAhead: 20,
      ends: false,
    },
    place: async () => {
      const proxy = await tcpProxy(address)
      const table = `t${places++}`
      server.create(table)
      let at = 0
      const put = (value: string | null, key: string | null = null, properties = {}) =>
        server.enqueue(table, [{ at: String(at++), key, value, properties }])
      return {
        config: { address: `127.0.0.1:${proxy.port}`, table, password: PASSWORD },
        faults: sourceFaults(proxy),
        write: async list => {
          for (const { id, text, key, properties } of list) put(JSON.stringify({ id, text }), key, properties)
        },
        poison: async () => put('poison'),
        tombstone: async key => put(null, key),
        unacked: async () => server.held(table),
        close: () => proxy.close(),
      }
    },
    mistakes: {
      wrongAddress: { config: config => ({ ...config, address: '127.0.0.1:1' }), names: '127.0.0.1:1' },
      wrongCredentials: { config: config => ({ ...config, password: 'not-the-word' }), secret: 'not-the-word' },
      missingTarget: { config: config => ({ ...config, table: 'nowhere' }), names: 'nowhere' },
    },
    patienceMs: defect === undefined ? 10_000 : 400,
    quietMs: 50,
  }
}

for (const style of ['pull', 'push'] as const) sourceConformance(`fake, ${style}`, options(style))

describe('a source that breaks a promise', () => {
  const caught: readonly [SourceDefect, 'pull' | 'push', string][] = [
    ['keeps-timer', 'pull', 'SRC-03'],
    ['vague-address', 'pull', 'SRC-05'],
    ['tells-password', 'pull', 'SRC-06'],
    ['stops-at-outage', 'pull', 'SRC-08'],
    ['waits-forever', 'pull', 'SRC-09'],
    ['reads-twice', 'push', 'SRC-10'],
    ['reverses', 'push', 'SRC-11'],
    ['ascii', 'pull', 'SRC-12'],
    ['drops-empty', 'pull', 'SRC-13'],
    ['cuts-large', 'pull', 'SRC-14'],
    ['drops-key', 'pull', 'SRC-15'],
    ['drops-properties', 'pull', 'SRC-16'],
    ['drops-tombstones', 'pull', 'SRC-17'],
    ['skips-poison', 'pull', 'SRC-18'],
    ['reads-all', 'push', 'SRC-20'],
    ['waits-forever', 'pull', 'SRC-21'],
    ['hangs-on-close', 'push', 'SRC-22'],
    ['never-acks', 'pull', 'SRC-30'],
    ['acks-at-once', 'pull', 'SRC-31'],
    ['acks-up-to', 'pull', 'SRC-32'],
    ['starts-over', 'pull', 'SRC-33'],
    ['same-sequence', 'pull', 'SRC-34'],
    ['fatal-when-cut', 'push', 'SRC-40'],
    ['fatal-when-cut', 'pull', 'SRC-41'],
    ['keeps-timer', 'push', 'SRC-42'],
    ['hangs-on-close', 'pull', 'SRC-43'],
    ['tells-password', 'push', 'SRC-60'],
  ]

  it.each(caught)('is caught: %s (%s) by %s', async (defect, style, id) => {
    const clause = sourceClauses.find(one => one.id === id)
    if (!clause) throw new Error(`no clause ${id}`)
    const error = await runSourceClause(clause, options(style, defect)).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(Error)
    expect(String(error)).not.toContain(PASSWORD)
  })
})

describe('clauses', () => {
  it('have numbers of their own', () => {
    const ids = sourceClauses.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual([...ids].sort())
    for (const id of ids) expect(id).toMatch(/^SRC-\d\d$/)
  })
})
