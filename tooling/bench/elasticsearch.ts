import { join } from 'node:path'
import { Client } from '@elastic/elasticsearch'
import { startConnectors } from '@pulsar-io/engine'
import { service } from '../services/index.ts'
import { ratios, spread } from './stats.ts'
import { BenchTopic, jsonRecords } from './topic.ts'
import type { Bench } from './types.ts'

const DOCUMENTS = 400_000
const BATCH = 1000
/** As long as what the sink makes of a position. */
const ID = `persistent://public/default/bench-0-${Date.now()}-0`

/**
 * A topic into Elasticsearch through the engine, against a loop of `_bulk` calls, one request at a time. Both ask the same
 * of the server: the same documents under ids of the same form.
 */
export const elasticsearch: Bench = async ({ root, folder, rounds }) => {
  const server = await service('elasticsearch')
  if (!server.available) return server.reason
  const client = new Client({ node: server.url })
  const documents = jsonRecords(DOCUMENTS, 250)
  const topic = await BenchTopic.fill(folder, documents)
  const [sink, loop]: [number[], number[]] = [[], []]
  for (let round = 0; round <= rounds; round++) {
    const plain = () => timed(client, `loop-${round}`, index => bulkLoop(client, index, documents))
    const ours = () => throughSink(root, client, server.url, topic, round)
    // Whoever goes second finds a warmer server, so they take turns.
    const [looped, sunk] = round % 2 === 0 ? [await plain(), await ours()] : [await ours(), await plain()].reverse()
    // The first round warms the server and does not count.
    if (round === 0 || looped === undefined || sunk === undefined) continue
    loop.push(looped)
    sink.push(sunk)
  }
  await topic.close()
  await client.close()
  const ratio = ratios(sink, loop)
  return [
    {
      name: 'embedded log → Elasticsearch sink, 250 B documents, bulk of 1,000',
      unit: 'documents/s',
      value: spread(sink),
      reference: { name: 'loop of _bulk', value: spread(loop), ratio },
      goal: 'ratio ≥ 0.9',
      reached: ratio.median >= 0.9,
    },
  ]
}

async function bulkLoop(client: Client, index: string, documents: readonly Uint8Array[]): Promise<void> {
  for (let from = 0; from < documents.length; from += BATCH) {
    const operations: string[] = []
    for (const [i, document] of documents.slice(from, from + BATCH).entries())
      operations.push(`{"create":{"_id":"${ID}-${from + i}"}}`, Buffer.from(document).toString())
    // The client takes lines that are text already; its types know objects only.
    const { errors } = await client.bulk({ index, operations: operations as unknown as object[] })
    if (errors) throw new Error('the loop had documents refused')
  }
}

async function throughSink(
  root: string,
  client: Client,
  url: string,
  topic: BenchTopic,
  round: number,
): Promise<number> {
  const name = `es-${round}`
  return timed(client, `sink-${round}`, async (index, begin) => {
    const configs = { elasticSearchUrl: url, indexName: index, bulkEnabled: true, bulkActions: BATCH }
    const archive = join(root, 'connectors', 'elasticsearch.tgz')
    const config = { name, archive, inputs: [topic.name], sourceSubscriptionPosition: 'Earliest' as const, configs }
    const run = await startConnectors([{ kind: 'sink', config }], {
      messaging: { url: topic.url },
      log: () => undefined,
    })
    begin()
    await topic.drained(`public/default/${name}`)
    return async () => {
      const { error } = await run.stop()
      if (error) throw error
    }
  })
}

/** Documents per second into a new index; `work` may say when the clock begins, and what is to be done after it. */
async function timed(
  client: Client,
  name: string,
  work: (index: string, begin: () => void) => Promise<(() => Promise<void>) | void>,
): Promise<number> {
  const index = `bench-${process.pid}-${name}`
  await client.indices.create({ index, settings: { number_of_replicas: 0, refresh_interval: '-1' } })
  let start = performance.now()
  const after = await work(index, () => {
    start = performance.now()
  })
  const seconds = (performance.now() - start) / 1000
  await after?.()
  await client.indices.refresh({ index })
  const { count } = await client.count({ index })
  if (count !== DOCUMENTS) throw new Error(`${index} has ${count} of ${DOCUMENTS} documents`)
  await client.indices.delete({ index })
  return DOCUMENTS / seconds
}
