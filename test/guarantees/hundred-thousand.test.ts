import { service } from '@pulsar-io/tooling/services'
import { describe, expect, it } from 'vitest'
import { uniqueName } from '../support/names.ts'
import { numberedLines, tally } from '../support/records.ts'
import { SearchServer } from '../support/search-server.ts'
import { workspace } from '../support/workspace.ts'

const RECORDS = 100_000

const es = await service('elasticsearch')

describe.skipIf(!es.available)('100,000 records into Elasticsearch', { timeout: 120_000 }, () => {
  if (!es.available) return
  const server = new SearchServer(es)

  it('end as exactly 100,000 documents when the runtime is killed with -9 in the middle and started again', async () => {
    const index = uniqueName('hundred-thousand')
    const user = await workspace()
    await user.produce('good_topic', numberedLines(RECORDS))
    await user.file('my_elastic_search.json', { elasticSearchUrl: es.url, indexName: index })
    const args = [
      ...['--archive', 'connectors/elasticsearch.tgz', '--name', 'elasticsearch-test-sink'],
      ...['--sink-config', 'my_elastic_search.json', '--processing-guarantees', 'EFFECTIVELY_ONCE'],
      ...['--inputs', 'good_topic', '--subs-position', 'Earliest', '--exit-when-idle', '1s'],
    ]

    const first = user.start(args)
    await first.while(async () => (await server.indexed(index)) > RECORDS / 3, { pollMs: 5, what: 'a third of it' })
    first.kill('SIGKILL')
    expect((await first.end()).signal).toBe('SIGKILL')
    const halfWay = await server.count(index)
    expect(halfWay).toBeGreaterThan(0)
    expect(halfWay).toBeLessThan(RECORDS)

    const second = await user.run(args)
    expect(second, second.stderr).toMatchObject({ code: 0, summary: { deadLettered: 0 } })
    expect(await server.count(index)).toBe(RECORDS)
    const documents = await server.documents(index, 'n')
    expect(new Set(documents.map(({ _id }) => _id)).size).toBe(RECORDS)
    const found = tally(
      documents.map(({ _source }) => _source),
      RECORDS,
    )
    expect(found).toEqual({ lost: [], duplicated: [], reordered: [], alien: [] })
    // A record is written again only where the kill left open whether it was.
    expect(second.summary?.recordsIn).toBeLessThan(RECORDS)
  })
})
