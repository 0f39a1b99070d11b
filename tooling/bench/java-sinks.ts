import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPulsar, type PulsarClient } from '@pulsar-io/messaging-pulsar'
import { type AvailableService, javaConnector, pulsarAdmin, service } from '../services/index.ts'
import { benchNamespace, waitingIn } from './cluster.ts'
import { javaRun, LocalRun, ourRun, type RunCommand } from './local-run.ts'
import { type SinkWork, sinkWorks } from './sink-works.ts'
import { ratios, spread } from './stats.ts'
import type { Bench, BenchContext, Figure } from './types.ts'

const RECORDS = 200_000
/** What is not done by then counts as not done: a sink that is refused may take much longer. */
const LIMIT_MS = 90_000
/** Messages of a batch in the topic, by which a broker counts what waits. */
const BATCH = 100

interface Measured {
  /** Milliseconds from the start of the process until the first records are acknowledged. */
  readonly firstMs: number
  /** Records that are acknowledged. */
  readonly settled: number
  readonly perSecond: number
  readonly residentMB: number
}

interface Place {
  readonly context: BenchContext
  readonly cluster: AvailableService
  readonly admin: { readonly command: string; readonly env: NodeJS.ProcessEnv }
  readonly topic: string
}

/** The sinks of Apache Pulsar in its local runner against ours: the same records of one topic into the same server. */
export const javaSinks: Bench = async context => {
  const [cluster, admin] = [await service('pulsar'), await pulsarAdmin()]
  if (!cluster.available) return cluster.reason
  if (!admin.available) return admin.reason
  const client = await openPulsar({ serviceUrl: cluster.url, adminUrl: cluster.adminUrl ?? '' })
  try {
    const place = { context, cluster, admin, topic: await filled(client, await benchNamespace(cluster)) }
    const figures: Figure[] = []
    for (const work of sinkWorks) figures.push(...(await compared(place, work)))
    return figures
  } finally {
    await client.close()
  }
}

/** One system: both take turns, each into a place of its own. */
async function compared(place: Place, work: SinkWork): Promise<readonly Figure[]> {
  const server = await service(work.service)
  if (!server.available) throw new Error(server.reason)
  const nar = await javaConnector(work.java)
  if (!nar.available) throw new Error(nar.reason)
  const target = await work.connect(server)
  const [ours, theirs]: [Measured[], Measured[]] = [[], []]
  try {
    // The first round warms broker and server and does not count.
    for (let round = 0; round <= place.context.rounds; round++) {
      const their = `java_${work.java.replace(/-/g, '_')}_${process.pid}_${round}`
      await target.create(their)
      const java = await measured(place, their, javaCommand(place, work, nar.path, their, target.configs(their)))
      await target.drop(their, java.settled)
      const our = their.replace('java_', 'node_')
      await target.create(our)
      const node = await measured(place, our, ourCommand(place, work.ours, our, target.configs(our)))
      await target.drop(our, node.settled)
      if (round === 0) continue
      theirs.push(java)
      ours.push(node)
    }
  } finally {
    await target.close()
  }
  const figure = (name: string, unit: string, of: (one: Measured) => number, goal: string, limit: number): Figure => {
    const ratio = ratios(ours.map(of), theirs.map(of))
    return {
      name: `${work.title}: ${name}`,
      unit,
      value: spread(ours.map(of)),
      reference: { name: 'Java’s local runner', value: spread(theirs.map(of)), ratio },
      goal,
      reached: limit >= 1 ? ratio.median >= limit : ratio.median <= limit,
    }
  }
  return [
    figure('records', 'records/s', one => one.perSecond, 'ratio ≥ 1', 1),
    figure('start to first records', 'ms', one => one.firstMs, 'ratio ≤ 0.5', 0.5),
    figure('resident memory', 'MB', one => one.residentMB, 'ratio ≤ 0.33', 0.33),
  ]
}

function javaCommand(
  { cluster, admin, topic }: Place,
  { heap }: SinkWork,
  archive: string,
  name: string,
  configs: object,
): RunCommand {
  const config = {
    ...{ tenant: 'public', namespace: 'default', name, archive, configs },
    inputs: [topic],
    sourceSubscriptionPosition: 'Earliest',
    processingGuarantees: 'ATLEAST_ONCE',
  }
  const env = heap === undefined ? admin.env : { ...admin.env, PULSAR_MEM: `-Xmx${heap}` }
  return javaRun({ ...admin, env }, [
    ...['--sinkConfig', JSON.stringify(config)],
    ...['--brokerServiceUrl', cluster.url, '--webServiceUrl', cluster.adminUrl ?? ''],
  ])
}

function ourCommand({ context, cluster, topic }: Place, archive: string, name: string, configs: object): RunCommand {
  return ourRun(context.root, [
    ...['--archive', join(context.root, 'connectors', `${archive}.tgz`), '--kind', 'sink', '--name', name],
    ...['--inputs', topic, '--subs-position', 'Earliest', '--sink-config', JSON.stringify(configs)],
    ...['--broker-service-url', cluster.url, '--web-service-url', cluster.adminUrl ?? ''],
  ])
}

async function measured({ context, cluster, topic }: Place, name: string, command: RunCommand): Promise<Measured> {
  const run = new LocalRun(command, context.folder)
  let [first, residentMB] = [0, 0]
  try {
    for (;;) {
      residentMB = Math.max(residentMB, run.usage().residentMB)
      // A batch counts as one.
      const waiting = (await waitingIn(cluster, topic, `public/default/${name}`)) ?? RECORDS
      const now = performance.now()
      if (first === 0 && waiting < RECORDS / BATCH) first = now
      const late = now - run.began > LIMIT_MS
      if (late && first === 0) throw new Error(`${name}: nothing is acknowledged: ${run.said}`)
      if (late || waiting === 0) {
        const settled = RECORDS - waiting * BATCH
        return { firstMs: first - run.began, settled, perSecond: (settled / (now - first)) * 1000, residentMB }
      }
      await sleep(20)
    }
  } finally {
    await run.end()
  }
}

const DEFINITION = JSON.stringify({
  type: 'record',
  name: 'Bench',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'name', type: 'string' },
    { name: 'active', type: 'boolean' },
    { name: 'score', type: 'double' },
    { name: 'note', type: 'string' },
  ],
})

/** A topic with the records, each with a key of its own. */
async function filled(client: PulsarClient, namespace: string): Promise<string> {
  const topic = `persistent://${namespace}/records`
  await client.topics.create(topic)
  const schema = { type: 'JSON', definition: DEFINITION } as const
  const producer = await client.createProducer({ topic, schema, batching: { maxMessages: BATCH, keys: 'mixed' } })
  const note = 'x'.repeat(180)
  for (let from = 0; from < RECORDS; from += 1000)
    await producer.send(
      Array.from({ length: 1000 }, (_, i) => {
        const id = from + i
        const record = { id, name: `user-${id}`, active: id % 2 === 0, score: id + 0.5, note }
        return { key: `user-${id}`, payload: Buffer.from(JSON.stringify(record)) }
      }),
    )
  await producer.close()
  return topic
}
