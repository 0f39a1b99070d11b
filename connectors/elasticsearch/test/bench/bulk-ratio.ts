/**
 * How fast the sink is against a plain loop of `_bulk` calls: the same client, batch size, ids and documents, one
 * request at a time. `pnpm --filter @pulsar-io/connector-elasticsearch bench [rounds]`
 */
import { Client } from '@elastic/elasticsearch'
import type { Record } from '@pulsar-io/sdk'
import { service } from '@pulsar-io/tooling/services'
import { positionId } from '../../src/ids.ts'
import { documents, openSink, TOPIC } from '../support.ts'

const DOCUMENTS = 30_000
const BATCH = 1000

/** Documents per second of one round. */
export interface Round {
  readonly plain: number
  readonly sink: number
}

/** Measures rounds against a real server; one more goes first and does not count. */
export async function bulkRatio(url: string, rounds: number): Promise<Round[]> {
  const client = new Client({ node: url })
  const batches = prepare()
  const measured: Round[] = []
  for (let round = 0; round <= rounds; round++) {
    // Whoever goes second finds a warmer server, so they take turns.
    const first = round % 2 === 0
    const early = first ? await plainLoop(client, batches) : await throughSink(client, url, batches)
    const late = first ? await throughSink(client, url, batches) : await plainLoop(client, batches)
    if (round > 0) measured.push(first ? { plain: early, sink: late } : { plain: late, sink: early })
  }
  await client.close()
  return measured
}

interface Batch {
  readonly records: readonly Record[]
  readonly lines: readonly { readonly id: string; readonly text: string }[]
}

function prepare(): Batch[] {
  const values = Array.from({ length: DOCUMENTS }, (_, id) => ({ id, name: `user-${id}`, note: 'x'.repeat(200) }))
  const all = documents(values).map(record => ({ ...record, value: Buffer.from(String(record.value)) }))
  return Array.from({ length: DOCUMENTS / BATCH }, (_, i) => {
    const records = all.slice(i * BATCH, (i + 1) * BATCH)
    return { records, lines: records.map(record => ({ id: positionId(record), text: record.value.toString() })) }
  })
}

async function plainLoop(client: Client, batches: readonly Batch[]): Promise<number> {
  return timed(client, async index => {
    for (const { lines } of batches) {
      const operations: string[] = []
      for (const { id, text } of lines) operations.push(`{"create":{"_id":"${id}"}}`, text)
      const { errors } = await client.bulk({ index, operations: operations as never })
      if (errors) throw new Error('the plain loop failed')
    }
  })
}

async function throughSink(client: Client, url: string, batches: readonly Batch[]): Promise<number> {
  return timed(client, async index => {
    await using sink = await openSink({ elasticSearchUrl: url, indexName: index })
    for (const { records } of batches) {
      const failed = (await sink.write(records)).find(outcome => outcome !== undefined)
      if (failed) throw failed
    }
  })
}

let made = 0

async function timed(client: Client, work: (index: string) => Promise<void>): Promise<number> {
  const index = `bench-${TOPIC.split('/').pop()}-${process.pid}-${made++}`
  await client.indices.create({ index, settings: { number_of_replicas: 0, refresh_interval: '-1' } })
  const start = performance.now()
  await work(index)
  const seconds = (performance.now() - start) / 1000
  await client.indices.delete({ index })
  return DOCUMENTS / seconds
}

if (import.meta.main) {
  const server = await service('elasticsearch')
  if (!server.available) throw new Error(server.reason)
  const rounds = await bulkRatio(server.url, Number(process.argv[2] ?? 5))
  for (const { plain, sink } of rounds)
    console.log(`plain ${plain.toFixed(0)}/s  sink ${sink.toFixed(0)}/s  ratio ${(sink / plain).toFixed(2)}`)
  const ratios = rounds.map(({ plain, sink }) => sink / plain).sort((a, b) => a - b)
  const median = ratios[ratios.length >> 1] ?? 0
  console.log(`ratio: min ${ratios[0]?.toFixed(2)}, median ${median.toFixed(2)}, max ${ratios.at(-1)?.toFixed(2)}`)
}
