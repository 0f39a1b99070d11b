import { tcpProxy } from '@pulsar-io/testkit'
import { service } from '@pulsar-io/tooling/services'
import { describe, expect, it, onTestFinished } from 'vitest'
import { uniqueName } from '../support/names.ts'
import { numberedLines, tally } from '../support/records.ts'
import { SearchServer } from '../support/search-server.ts'
import { workspace } from '../support/workspace.ts'

const RECORDS = 20_000

const es = await service('elasticsearch')

describe.skipIf(!es.available)('Ctrl-C', { timeout: 60_000 }, () => {
  if (!es.available) return
  const server = new SearchServer(es)
  const sink = (url: string, index: string) => [
    ...[
      '--archive',
      'connectors/elasticsearch.tgz',
      '--name',
      'es',
      '--inputs',
      'events',
      '--subs-position',
      'Earliest',
    ],
    ...['--sink-config', JSON.stringify({ elasticSearchUrl: url, indexName: index }), '--batch-size', '100'],
  ]

  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s under load drains, tells the truth, and the next run goes on',
    async signal => {
      const index = uniqueName('drain')
      const user = await workspace()
      await user.produce('events', numberedLines(RECORDS))
      const first = user.start(sink(es.url, index))
      await first.while(async () => (await server.indexed(index)) > RECORDS / 10, { pollMs: 5, what: 'a tenth' })
      first.kill(signal)
      const stopped = await first.end()
      expect(stopped, stopped.stderr).toMatchObject({ code: 0, signal: null, stdout: '' })
      expect(stopped.stderr.trimEnd().split('\n').at(-1)).toMatch(/^\d+ records in, /)
      const written = await server.count(index)
      expect(written).toBeLessThan(RECORDS)
      expect(stopped.summary).toEqual({ recordsIn: written, recordsOut: written, deadLettered: 0, retried: 0 })

      const second = await user.run([...sink(es.url, index), '--exit-when-idle', '500ms'])
      // Nothing that was settled comes again, nothing that was not is missing.
      expect(second.summary).toEqual({
        recordsIn: RECORDS - written,
        recordsOut: RECORDS - written,
        deadLettered: 0,
        retried: 0,
      })
      const found = (await server.documents(index, 'n')).map(({ _source }) => _source)
      expect(tally(found, RECORDS)).toEqual({ lost: [], duplicated: [], reordered: [], alien: [] })
    },
  )

  it('a second time ends a run at once that cannot drain, and nothing is lost', async () => {
    const index = uniqueName('second')
    const proxy = await tcpProxy(es.url)
    onTestFinished(() => proxy.close())
    const user = await workspace()
    await user.produce('events', numberedLines(1000))
    const first = user.start([...sink(proxy.url, index), '--drain-timeout', '5m'])
    await first.while(async () => (await server.indexed(index)) > 0, { pollMs: 5, what: 'the first documents' })
    proxy.silent = true
    first.kill('SIGINT')
    await first.logged(/second signal/)
    expect(first.over).toBe(false)
    first.kill('SIGINT')
    expect(await first.end()).toMatchObject({ code: 130 })

    const second = await user.run([...sink(es.url, index), '--exit-when-idle', '500ms'])
    expect(second.code, second.stderr).toBe(0)
    const found = (await server.documents(index, 'n')).map(({ _source }) => _source)
    expect(tally(found, 1000)).toEqual({ lost: [], duplicated: [], reordered: [], alien: [] })
  })

  it('while topics produce runs ends with the number of records that are in', async () => {
    const user = await workspace()
    const produce = user.start(['topics', 'produce', 'events', '--rate', '500'], {
      input: `${numberedLines(RECORDS).join('\n')}\n`,
    })
    await produce.while(async () => (await user.run(['topics', 'consume', 'events'])).stdout.length > 0, {
      pollMs: 100,
    })
    produce.kill('SIGINT')
    const end = await produce.end()
    const acknowledged = Number(/^(\d+) records? acknowledged$/m.exec(end.said)?.[1])
    expect(acknowledged).toBeGreaterThan(0)
    expect(acknowledged).toBeLessThan(RECORDS)
    const values = (await user.run(['topics', 'consume', 'events'])).stdout.split('\n').filter(line => line !== '')
    expect(values).toEqual(numberedLines(acknowledged))
  })
})
