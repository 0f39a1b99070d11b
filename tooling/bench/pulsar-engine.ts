import { join } from 'node:path'
import { startConnectors } from '@pulsar-io/engine'
import { openPulsar, type PulsarClient } from '@pulsar-io/messaging-pulsar'
import { packConnector } from '../pack/pack-connector.ts'
import { type AvailableService, service } from '../services/index.ts'
import { benchNamespace } from './cluster.ts'
import { ratios, spread } from './stats.ts'
import { jsonRecords } from './topic.ts'
import type { Bench, BenchContext, Figure } from './types.ts'

const RECORDS = 300_000
const GENERATED = 150_000
const BATCH = 1000

interface Place {
  readonly context: BenchContext
  readonly cluster: AvailableService
  readonly client: PulsarClient
  readonly namespace: string
  /** A topic without partitions that holds the records. */
  readonly single: string
  /** The same over two partitions. */
  readonly double: string
}

/** The engine on Pulsar: against the client alone, guarantees and instances against each other, on the same records. */
export const pulsarEngine: Bench = async context => {
  const cluster = await service('pulsar')
  if (!cluster.available) return cluster.reason
  const client = await openPulsar({
    serviceUrl: cluster.url,
    ...(cluster.adminUrl === undefined ? {} : { adminUrl: cluster.adminUrl }),
  })
  try {
    const namespace = await benchNamespace(cluster)
    const single = await filled(client, `persistent://${namespace}/single`, 0)
    const double = await filled(client, `persistent://${namespace}/double`, 2)
    const place = { context, cluster, client, namespace, single, double }
    await packConnector(join(import.meta.dirname, 'noop'), join(context.folder, 'noop.tgz'))
    await packConnector(join(import.meta.dirname, 'generator'), join(context.folder, 'generator.tgz'))
    return await measure(place)
  } finally {
    await client.close()
  }
}

async function measure(place: Place): Promise<readonly Figure[]> {
  const rates = { alone: [], sink: [], once: [], one: [], two: [], source: [], sourceOnce: [] } as {
    [what: string]: number[]
  } & { readonly [K in 'alone' | 'sink' | 'once' | 'one' | 'two' | 'source' | 'sourceOnce']: number[] }
  for (let round = 0; round <= place.context.rounds; round++) {
    const measured = {
      alone: await throughClient(place, round),
      sink: await throughSink(place, `alo-${round}`, place.single, 'ATLEAST_ONCE', 1),
      once: await throughSink(place, `eo-${round}`, place.single, 'EFFECTIVELY_ONCE', 1),
      one: await throughSink(place, `one-${round}`, place.double, 'EFFECTIVELY_ONCE', 1),
      two: await throughSink(place, `two-${round}`, place.double, 'EFFECTIVELY_ONCE', 2),
      source: await throughSource(place, `source-alo-${round}`, 'ATLEAST_ONCE'),
      sourceOnce: await throughSource(place, `source-eo-${round}`, 'EFFECTIVELY_ONCE'),
    }
    // The first round warms broker and disk and does not count.
    if (round > 0) for (const [what, rate] of Object.entries(measured)) rates[what]?.push(rate)
  }
  const figure = (name: string, ours: number[], reference: string, theirs: number[], least: number): Figure => {
    const ratio = ratios(ours, theirs)
    return {
      name: `Pulsar: ${name}`,
      unit: 'records/s',
      value: spread(ours),
      reference: { name: reference, value: spread(theirs), ratio },
      goal: `ratio ≥ ${least}`,
      reached: ratio.median >= least,
    }
  }
  return [
    figure('topic → JSON → no-op sink, 1 KB records', rates.sink, 'the client alone', rates.alone, 0.7),
    figure('the same, EFFECTIVELY_ONCE', rates.once, 'ATLEAST_ONCE', rates.sink, 0.8),
    figure('two partitions, two instances', rates.two, 'one instance', rates.one, 1.5),
    figure('source → topic, EFFECTIVELY_ONCE', rates.sourceOnce, 'ATLEAST_ONCE', rates.source, 0.8),
  ]
}

async function filled(client: PulsarClient, topic: string, partitions: number): Promise<string> {
  await client.topics.create(topic, { partitions })
  const producer = await client.createProducer({ topic, schema: { type: 'JSON', definition: DEFINITION } })
  const records = jsonRecords(RECORDS, 1024)
  for (let from = 0; from < RECORDS; from += BATCH)
    await producer.send(records.slice(from, from + BATCH).map(payload => ({ payload })))
  await producer.close()
  return topic
}

const DEFINITION = JSON.stringify({
  type: 'record',
  name: 'Bench',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'name', type: 'string' },
    { name: 'active', type: 'boolean' },
    { name: 'score', type: 'double' },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'note', type: 'string' },
  ],
})

/** Records per second of a loop that receives and acknowledges. */
async function throughClient({ client, single }: Place, round: number): Promise<number> {
  const subscription = `alone-${round}`
  const consumer = await client.subscribe({
    topics: [single],
    subscription,
    type: 'Shared',
    initialPosition: 'Earliest',
  })
  let [received, first, last] = [0, 0, 0]
  const settled: Promise<void>[] = []
  while (received < RECORDS) {
    const messages = await consumer.receive({ maxMessages: BATCH })
    last = performance.now()
    if (first === 0) first = last
    received += messages.length
    settled.push(consumer.acknowledge(messages))
  }
  await Promise.all(settled)
  await consumer.unsubscribe()
  return ((RECORDS - BATCH) / (last - first)) * 1000
}

/** Records per second of a sink that does nothing, between its first and its last batch. */
async function throughSink(
  { context, cluster, client }: Place,
  name: string,
  topic: string,
  guarantee: 'ATLEAST_ONCE' | 'EFFECTIVELY_ONCE',
  parallelism: number,
): Promise<number> {
  const measured: { records: number; first: number; last: number }[] = []
  const archive = join(context.folder, 'noop.tgz')
  const inputs = { inputs: [topic], sourceSubscriptionPosition: 'Earliest' as const }
  const run = await startConnectors(
    [{ kind: 'sink', config: { name, archive, ...inputs, processingGuarantees: guarantee, parallelism } }],
    {
      messaging: addressOf(cluster),
      log: line => {
        if (line.message === 'measured') measured.push(line.fields as (typeof measured)[number])
      },
    },
  )
  const written = () => run.connectors[0]?.snapshots().reduce((all, each) => all + each.written, 0) ?? 0
  while (written() < RECORDS) await new Promise(resolve => setTimeout(resolve, 20))
  const { error } = await run.stop()
  if (error) throw error
  await client.topics.deleteSubscription(topic, `public/default/${name}`)
  const first = Math.min(...measured.map(each => each.first))
  const last = Math.max(...measured.map(each => each.last))
  return (measured.reduce((all, { records }) => all + records, 0) / (last - first)) * 1000
}

function addressOf({ url, adminUrl }: AvailableService) {
  return adminUrl === undefined ? { url } : { url, adminUrl }
}

/** Records per second that the source gets into a topic of its own, from the first confirmed one on. */
async function throughSource({ context, cluster, namespace }: Place, name: string, guarantee: string): Promise<number> {
  const archive = join(context.folder, 'generator.tgz')
  const configs = { count: GENERATED, numbered: true }
  const config = { name, archive, topicName: `persistent://${namespace}/${name}`, configs }
  const run = await startConnectors(
    [{ kind: 'source', config: { ...config, processingGuarantees: guarantee as 'ATLEAST_ONCE' } }],
    { messaging: addressOf(cluster), log: () => undefined },
  )
  const written = () => run.connectors[0]?.snapshots()[0]?.written ?? 0
  let over = false
  const done = run.done.finally(() => {
    over = true
  })
  while (written() === 0 && !over) await new Promise(resolve => setTimeout(resolve, 5))
  const [begin, before] = [performance.now(), written()]
  const { error, recordsOut } = await done
  if (error) throw error
  if (recordsOut !== GENERATED) throw new Error(`the source published ${recordsOut} of ${GENERATED} records`)
  return ((GENERATED - before) / (performance.now() - begin)) * 1000
}
