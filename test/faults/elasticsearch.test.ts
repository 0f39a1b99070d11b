import { type TcpProxy, tcpProxy } from '@pulsar-io/testkit'
import { service } from '@pulsar-io/tooling/services'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { uniqueName } from '../support/names.ts'
import { numbered, numberedLines, tally } from '../support/records.ts'
import { SearchServer } from '../support/search-server.ts'
import { workspace } from '../support/workspace.ts'

const RECORDS = 20_000
const intact = { lost: [], duplicated: [], reordered: [], alien: [] }

const shared = await service('elasticsearch')
const own = await service('elasticsearch', { dedicated: true })
afterAll(async () => {
  if (own.available) await own.close()
})

const sink = (url: string, index: string, more: { readonly [option: string]: unknown } = {}) => [
  ...['--archive', 'connectors/elasticsearch.tgz', '--name', 'es', '--inputs', 'events', '--subs-position', 'Earliest'],
  ...['--sink-config', JSON.stringify({ elasticSearchUrl: url, indexName: index, ...more })],
  ...['--processing-guarantees', 'EFFECTIVELY_ONCE', '--batch-size', '200', '--exit-when-idle', '1s'],
]

describe.skipIf(!own.available)('a server that goes away half-way', { timeout: 90_000 }, () => {
  if (!own.available) return
  const server = new SearchServer(own)

  it.each([
    ['is killed', () => own.kill()],
    ['is stopped in good order', () => own.stop()],
  ])(
    'because it %s, and comes back: the sink pauses, says so, goes on, and every record is there once',
    async (_, end) => {
      const index = uniqueName('restart')
      const user = await workspace()
      await user.produce('events', numberedLines(RECORDS))
      const run = user.start(sink(own.url, index))
      await run.while(async () => (await server.indexed(index)) > RECORDS / 4, { pollMs: 5, what: 'a quarter' })
      await end()
      const lost = await run.logged(/connection lost; nothing is lost/, { withinMs: 60_000 })
      expect(lost).toMatchObject({ level: 'warn', reason: expect.stringContaining(own.url) })
      await run.while(() => run.log.filter(({ msg }) => msg.startsWith('connection lost')).length >= 3)
      await own.start()
      const ended = await run.end(90_000)
      expect(ended, ended.stderr).toMatchObject({ code: 0, summary: { deadLettered: 0 } })
      expect(ended.log.some(({ msg }) => msg === 'connected again')).toBe(true)
      const found = (await server.documents(index, 'n')).map(({ _source }) => _source)
      expect(tally(found, RECORDS)).toEqual(intact)
    },
  )
})

describe.skipIf(!shared.available)('a network between sink and server', { timeout: 60_000 }, () => {
  if (!shared.available) return
  const server = new SearchServer(shared)
  let proxy: TcpProxy
  beforeAll(async () => {
    proxy = await tcpProxy(shared.url)
  })
  afterAll(() => proxy.close())

  it('that cuts connections in the middle of bulk requests loses and repeats nothing', async () => {
    onTestFinished(() => {
      proxy.cutAfterBytes = 0
    })
    const index = uniqueName('cut')
    const user = await workspace()
    await user.produce('events', numberedLines(RECORDS))
    const before = proxy.cuts
    // Enough for the first questions and some bulk requests, and then in the middle of one.
    proxy.cutAfterBytes = 200_000
    const run = user.start(sink(proxy.url, index))
    await run.while(() => proxy.cuts >= before + 4, { what: 'four cuts', pollMs: 5 })
    proxy.cutAfterBytes = 0
    const end = await run.end()
    expect(end, end.stderr).toMatchObject({ code: 0, summary: { deadLettered: 0 } })
    const found = (await server.documents(index, 'n')).map(({ _source }) => _source)
    expect(tally(found, RECORDS)).toEqual(intact)
  })

  it('that is slow is waited for', async () => {
    onTestFinished(() => {
      proxy.latencyMs = 0
    })
    const index = uniqueName('slow')
    const user = await workspace()
    await user.produce('events', numberedLines(1000))
    proxy.latencyMs = 100
    const end = await user.run(sink(proxy.url, index))
    expect(end, end.stderr).toMatchObject({ code: 0, summary: { recordsOut: 1000, retried: 0 } })
    expect(await server.count(index)).toBe(1000)
  })

  it('that swallows packets is noticed by the timeout, and the records arrive when it is over', async () => {
    onTestFinished(() => {
      proxy.silent = false
    })
    const index = uniqueName('silent')
    const user = await workspace()
    await user.produce('events', numberedLines(RECORDS))
    const run = user.start(sink(proxy.url, index, { socketTimeoutInMs: 1000, connectTimeoutInMs: 1000 }))
    await run.while(async () => (await server.indexed(index)) > RECORDS / 4, { pollMs: 5, what: 'a quarter' })
    proxy.silent = true
    const lost = await run.logged(/connection lost/)
    expect(lost.reason).toMatch(/time/i)
    proxy.silent = false
    proxy.cutAll()
    const end = await run.end()
    expect(end, end.stderr).toMatchObject({ code: 0, summary: { deadLettered: 0 } })
    const found = (await server.documents(index, 'n')).map(({ _source }) => _source)
    expect(tally(found, RECORDS)).toEqual(intact)
  })
})

describe.skipIf(!shared.available)('documents that the server refuses', { timeout: 60_000 }, () => {
  if (!shared.available) return
  const server = new SearchServer(shared)

  it.each(['ATLEAST_ONCE', 'EFFECTIVELY_ONCE'])(
    'become dead letters with the reason of the server, and the others get through (%s)',
    async guarantee => {
      const index = uniqueName('poison')
      await server.ask('PUT', `/${index}`, {
        mappings: { properties: { n: { type: 'long' }, text: { type: 'keyword' } } },
      })
      const user = await workspace()
      const poison = (n: number) => n % 500 === 250
      const lines = Array.from({ length: 5000 }, (_, n) =>
        JSON.stringify(poison(n) ? { n: `number ${n}`, text: 'poison' } : numbered(n)),
      )
      await user.produce('events', lines, ['--property', 'origin=test'])
      const end = await user.run([
        ...sink(shared.url, index),
        '--processing-guarantees',
        guarantee,
        '--subs-name',
        'sub',
      ])
      expect(end, end.stderr).toMatchObject({
        code: 0,
        summary: { recordsIn: 5000, recordsOut: 4990, deadLettered: 10 },
      })
      const found = (await server.documents(index, 'n')).map(({ _source }) => _source)
      expect(tally(found, 5000)).toEqual({ ...intact, lost: Array.from({ length: 10 }, (_, i) => 250 + 500 * i) })

      const letters = await user.consume('events-sub-DLQ')
      expect(letters.map(({ value }) => value)).toEqual(
        lines.filter((_, n) => poison(n)).map(line => expect.toSatisfy(value => same(value, line))),
      )
      for (const { properties } of letters) {
        expect(properties).toMatchObject({
          origin: 'test',
          'pulsar-io-code': 'PIO_ES_REJECTED',
          'pulsar-io-connector': 'public/default/es',
          'pulsar-io-topic': 'persistent://public/default/events',
          'pulsar-io-reason': expect.stringMatching(/failed to parse field \[n\].*number \d+/),
        })
      }
    },
  )
})

/** A value as consumed, parsed or as text, is the line that was published. */
function same(value: unknown, line: string): boolean {
  return typeof value === 'string' ? value === line : JSON.stringify(value) === line
}
