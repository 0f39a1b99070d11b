import { sinkFaults, tcpProxy } from '@pulsar-io/testkit'
import { type Item, type SinkConformanceOptions, sinkConformance } from '@pulsar-io/testkit/conformance'
import { service } from '@pulsar-io/tooling/services'
import { describe } from 'vitest'
import elasticsearch from '../../src/index.ts'

const server = await service('elasticsearch')
const secured = await service('elasticsearch8-secured')
const url = server.available ? server.url : 'http://127.0.0.1:9'
let places = 0

interface Hit {
  readonly _id: string
  readonly _source: Item
}

async function documentsOf(index: string): Promise<readonly Hit[]> {
  await fetch(`${url}/${index}/_refresh`, { method: 'POST' })
  const answer = await fetch(`${url}/${index}/_search?size=2000&ignore_unavailable=true`)
  const { hits } = (await answer.json()) as { readonly hits: { readonly hits: readonly Hit[] } }
  return hits.hits
}

function options(keyed: boolean): SinkConformanceOptions {
  return {
    definition: elasticsearch,
    capabilities: {
      // A search has no order of its own.
      ordered: false,
      keys: keyed,
      properties: false,
      upsert: keyed,
      tombstone: keyed ? { effect: 'deletes' } : { effect: 'ignored' },
      faults: 'network',
      fenced: false,
    },
    place: async () => {
      const proxy = await tcpProxy(url)
      const indexName = `conformance-${Date.now()}-${process.pid}-${places++}`
      const mapping = {
        mappings: { properties: { id: { type: 'keyword' }, text: { type: 'text' }, n: { type: 'long' } } },
      }
      await fetch(`${url}/${indexName}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(mapping),
      })
      return {
        config: {
          elasticSearchUrl: proxy.url,
          indexName,
          // Pulsar’s default takes invisible characters away, joiners and directions among them.
          stripNonPrintableCharacters: false,
          connectTimeoutInMs: 1000,
          socketTimeoutInMs: 3000,
          ...(keyed ? { keyIgnore: false, nullValueAction: 'DELETE' } : {}),
        },
        faults: sinkFaults(proxy),
        read: async () => (await documentsOf(indexName)).map(({ _id, _source }) => ({ ..._source, key: _id })),
        close: async () => {
          await proxy.close()
          await fetch(`${url}/${indexName}`, { method: 'DELETE' })
        },
      }
    },
    record: ({ id, text }) => ({ key: id, value: JSON.stringify({ id, text }) }),
    poison: ({ id, text }) => ({ key: id, value: JSON.stringify({ id, text, n: 'not a number' }) }),
    mistakes: {
      wrongAddress: {
        config: config => ({ ...config, elasticSearchUrl: 'http://127.0.0.1:1' }),
        names: '127.0.0.1:1',
      },
      ...(secured.available
        ? {
            wrongCredentials: {
              config: config => ({
                ...config,
                elasticSearchUrl: secured.url,
                username: 'elastic',
                password: 'not-the-word',
              }),
              secret: 'not-the-word',
            },
          }
        : {}),
    },
  }
}

describe.skipIf(!server.available)('conformance', () => {
  sinkConformance('elasticsearch, a document for each record', options(false))
  sinkConformance('elasticsearch, a document for each key', options(true))
})
