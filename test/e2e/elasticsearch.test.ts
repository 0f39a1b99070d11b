import { service } from '@pulsar-io/tooling/services'
import { describe, expect, it } from 'vitest'
import { uniqueName } from '../support/names.ts'
import { SearchServer } from '../support/search-server.ts'
import { until } from '../support/until.ts'
import { workspace } from '../support/workspace.ts'

const es = await service('elasticsearch')

/** The configuration file of the documentation that the product follows, with the address of a server that is there. */
const seedConfig = (url: string, indexName: string) =>
  `{ "elasticSearchUrl": "${url}", "indexName": "${indexName}",\n\t"username": "jowanza", "password": "neversharepasswords" }\n`

describe.skipIf(!es.available)('the Elasticsearch example', { timeout: 60_000 }, () => {
  if (!es.available) return
  const server = new SearchServer(es)

  it.each(['--sink-config', '--sink-config-file'])('saves what is published to good_topic (%s)', async flag => {
    const index = uniqueName('e2e-seed')
    const user = await workspace()
    await user.file('my_elastic_search.json', seedConfig(es.url, index))
    const sink = user.start([
      ...['--archive', 'connectors/elasticsearch.tgz', '--tenant', 'public', '--namespace', 'default'],
      ...['--name', 'elasticsearch-test-sink', flag, 'my_elastic_search.json'],
      ...['--processing-guarantees', 'EFFECTIVELY_ONCE', '--inputs', 'good_topic'],
    ])
    await sink.logged(/^running/)

    await user.produce('good_topic', ['{"city":"Oslo","people":709037}', '{"city":"Bergen","people":289330}'])
    await until(async () => (await server.count(index)) === 2, { what: 'two documents', detail: () => sink.describe() })
    const documents = await server.documents<{ city: string; people: number }>(index, 'people')
    expect(documents.map(({ _source }) => _source.city)).toEqual(['Bergen', 'Oslo'])

    sink.kill('SIGINT')
    const end = await sink.end()
    expect(end).toMatchObject({ code: 0, stdout: '', summary: { recordsIn: 2, recordsOut: 2, deadLettered: 0 } })
    expect(end.stderr).not.toContain('neversharepasswords')
  })
})
