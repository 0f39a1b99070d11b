import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin, Consumer, MessagesStreamModes, Producer } from '@platformatic/kafka'
import { startConnectors } from '@pulsar-io/engine'
import { openEmbedded } from '@pulsar-io/messaging-embedded'
import type { ProcessingGuarantee } from '@pulsar-io/sdk'
import { service } from '../services/index.ts'
import { memoryOf } from './memory.ts'
import { ratios, spread } from './stats.ts'
import { BenchTopic, jsonRecords } from './topic.ts'
import type { Bench, BenchContext, Figure } from './types.ts'

const RECORDS = 600_000
const BATCH = 1000
const BYTES = 500
const PARTITIONS = 4

interface Place {
  readonly context: BenchContext
  readonly servers: string
  readonly admin: Admin
  readonly records: readonly Uint8Array[]
}

/**
 * A topic to Kafka and back through the engine, against loops around the same driver: one that sends batches of the same
 * records, one after the other, and one that consumes them and publishes them into the same kind of log.
 */
export const kafka: Bench = async context => {
  const server = await service('kafka')
  if (!server.available) return server.reason
  const servers = new URL(server.url).host
  const admin = new Admin({ clientId: 'bench', bootstrapBrokers: [servers] })
  const place = { context, servers, admin, records: jsonRecords(RECORDS, BYTES) }
  try {
    return [...(await sinkFigures(place)), ...(await sourceFigures(place))]
  } finally {
    await admin.close()
  }
}

async function sinkFigures(place: Place): Promise<Figure[]> {
  const topic = await BenchTopic.fill(join(place.context.folder, 'sink'), place.records)
  const [loop, once, exactly] = await takingTurns(place, [
    ['loop', name => sendLoop(place, name)],
    ['at-least-once', name => throughSink(place, topic, name, 'ATLEAST_ONCE')],
    ['effectively-once', name => throughSink(place, topic, name, 'EFFECTIVELY_ONCE')],
  ])
  const memory = await sinkMemory(place, topic)
  await topic.close()
  const speed = figures(`embedded log → Kafka sink, ${BYTES} B records`, 'loop of send', loop, once, exactly)
  return [...speed, memory]
}

async function sourceFigures(place: Place): Promise<Figure[]> {
  const name = `bench-${process.pid}-source`
  await create(place, name)
  await sendLoop(place, name)
  const [loop, once, exactly] = await takingTurns(place, [
    ['loop', work => consumeLoop(place, name, work)],
    ['at-least-once', work => throughSource(place, name, work, 'ATLEAST_ONCE')],
    ['effectively-once', work => throughSource(place, name, work, 'EFFECTIVELY_ONCE')],
  ])
  const memory = await sourceMemory(place, name)
  await place.admin.deleteTopics({ topics: [name] })
  const speed = figures(
    `Kafka source → embedded log, ${BYTES} B records`,
    'loop of consume and publish',
    loop,
    once,
    exactly,
  )
  return [...speed, memory]
}

function figures(name: string, plain: string, loop: number[], once: number[], exactly: number[]): Figure[] {
  const [ratio, cost] = [ratios(once, loop), ratios(exactly, once)]
  return [
    {
      name,
      unit: 'records/s',
      value: spread(once),
      reference: { name: plain, value: spread(loop), ratio },
      goal: 'ratio ≥ 0.8',
      reached: ratio.median >= 0.8,
    },
    {
      name: `${name}, EFFECTIVELY_ONCE`,
      unit: 'records/s',
      value: spread(exactly),
      reference: { name: 'ATLEAST_ONCE', value: spread(once), ratio: cost },
      goal: 'ratio ≥ 0.8',
      reached: cost.median >= 0.8,
    },
  ]
}

/** Peak memory of the command while the sink works off all records. */
async function sinkMemory(place: Place, topic: BenchTopic): Promise<Figure> {
  const peaks: number[] = []
  for (let round = 0; round < place.context.rounds; round++) {
    const name = `kafka-memory-${process.pid}-${round}`
    await create(place, name)
    const args = ['--kind', 'sink', '--name', name, '--inputs', topic.name, '--subs-position', 'Earliest']
    const config = { bootstrapServers: place.servers, topic: name }
    const subscription = `public/default/${name}`
    const work = async () => {
      await topic.subscribed(subscription)
      await topic.drained(subscription)
    }
    peaks.push(await peakOf(place, [...args, '--broker-service-url', topic.url], 'sink', config, work))
    await place.admin.deleteTopics({ topics: [name] })
  }
  return memoryFigure(`Kafka sink working off ${RECORDS.toLocaleString('en-US')} records`, peaks)
}

/** The same while the source reads all of them. */
async function sourceMemory(place: Place, name: string): Promise<Figure> {
  const peaks: number[] = []
  for (let round = 0; round < place.context.rounds; round++) {
    const topic = await BenchTopic.empty(join(place.context.folder, `memory-${round}`))
    const args = ['--kind', 'source', '--name', `memory-${round}`, '--destination-topic-name', topic.name]
    const config = { bootstrapServers: place.servers, topic: name, groupId: `memory-${process.pid}-${round}` }
    const flags = [...args, '--broker-service-url', topic.url]
    peaks.push(await peakOf(place, flags, 'source', config, () => topic.holds(RECORDS)))
    await topic.close()
  }
  return memoryFigure(`Kafka source reading ${RECORDS.toLocaleString('en-US')} records`, peaks)
}

async function peakOf(
  { context }: Place,
  flags: readonly string[],
  kind: string,
  config: object,
  work: () => Promise<void>,
): Promise<number> {
  const args = [
    ...[join(context.root, 'packages', 'runtime', 'bin', 'runtime.js'), '--log-level', 'warn', ...flags],
    ...['--archive', join(context.root, 'connectors', 'kafka.tgz'), `--${kind}-config`, JSON.stringify(config)],
  ]
  const child = spawn(process.execPath, args, { cwd: context.folder, stdio: ['ignore', 'ignore', 'inherit'] })
  const exit = once(child, 'exit')
  const done = Promise.race([work().then(() => true), exit.then(() => true)])
  let peak = 0
  while (!(await Promise.race([done, sleep(50, false)]))) peak = Math.max(peak, memoryOf(child).own)
  child.kill('SIGTERM')
  const [code] = await exit
  if (code !== 0) throw new Error(`runtime ended with ${code}`)
  return peak
}

function memoryFigure(name: string, peaks: readonly number[]): Figure {
  const value = spread(peaks)
  const goal = '≤ 180 MB'
  return { name: `${name}, peak memory without the mapped log`, unit: 'MB', value, goal, reached: value.median <= 180 }
}

type Way = readonly [string, (name: string) => Promise<number>]

/** Records per second of each way. They take turns, because whoever goes later finds a warmer server. */
async function takingTurns(
  place: Place,
  ways: readonly [Way, Way, Way],
): Promise<readonly [number[], number[], number[]]> {
  const measured: readonly [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round <= place.context.rounds; round++) {
    for (let turn = 0; turn < ways.length; turn++) {
      const which = (round + turn) % ways.length
      const [title, work] = ways[which] as Way
      const name = `bench-${process.pid}-${title}-${round}-${turn}`
      await create(place, name)
      const seconds = await work(name)
      await place.admin.deleteTopics({ topics: [name] })
      // The first round warms the server and does not count.
      if (round > 0) measured[which]?.push(RECORDS / seconds)
    }
  }
  return measured
}

async function create({ admin }: Place, topic: string): Promise<void> {
  await admin.createTopics({ topics: [topic], partitions: PARTITIONS, replicas: 1 })
}

async function ends({ admin }: Place, topic: string): Promise<number> {
  const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1n }))
  const [found] = await admin.listOffsets({ topics: [{ name: topic, partitions }] })
  return (found?.partitions ?? []).reduce((sum, { offset }) => sum + Number(offset), 0)
}

async function sendLoop({ servers, records }: Place, topic: string): Promise<number> {
  const producer = new Producer({ clientId: 'bench', bootstrapBrokers: [servers], retries: 10, retryDelay: 100 })
  await producer.metadata({ topics: [topic] })
  const start = performance.now()
  for (let from = 0; from < records.length; from += BATCH) {
    const messages = records.slice(from, from + BATCH).map((value, i) => ({
      topic,
      key: Buffer.from(String(from + i)),
      value: value as Buffer,
      partition: i % PARTITIONS,
    }))
    await producer.send({ messages, acks: -1 })
  }
  const seconds = (performance.now() - start) / 1000
  await producer.close()
  return seconds
}

async function throughSink(
  place: Place,
  topic: BenchTopic,
  name: string,
  guarantee: ProcessingGuarantee,
): Promise<number> {
  const config = {
    name,
    archive: join(place.context.root, 'connectors', 'kafka.tgz'),
    inputs: [topic.name],
    sourceSubscriptionPosition: 'Earliest' as const,
    processingGuarantees: guarantee,
    configs: { bootstrapServers: place.servers, topic: name },
  }
  const run = await startConnectors([{ kind: 'sink', config }], { messaging: { url: topic.url }, log: () => undefined })
  const start = performance.now()
  await topic.drained(`public/default/${name}`)
  const seconds = (performance.now() - start) / 1000
  const { error } = await run.stop()
  if (error) throw error
  const written = await ends(place, name)
  if (written < RECORDS) throw new Error(`${name} has ${written} of ${RECORDS} records`)
  return seconds
}

async function consumeLoop({ context, servers }: Place, topic: string, name: string): Promise<number> {
  const client = await openEmbedded({ directory: join(context.folder, name) })
  const target = 'persistent://public/default/bench'
  const producer = await client.createProducer({ topic: target })
  const consumer = new Consumer({ clientId: 'bench', groupId: name, bootstrapBrokers: [servers], maxWaitTime: 100 })
  const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, autocommit: 1000 })
  const start = performance.now()
  let batch: { payload: Uint8Array; key: string; eventTime: number }[] = []
  let sent: Promise<unknown> = Promise.resolve()
  let count = 0
  for await (const message of stream) {
    batch.push({ payload: message.value, key: message.key.toString(), eventTime: Number(message.timestamp) })
    count++
    if (batch.length < BATCH && count < RECORDS) continue
    const sending = producer.send(batch)
    batch = []
    // One batch is on its way while the next is gathered.
    await sent
    sent = sending
    if (count === RECORDS) break
  }
  await sent
  const seconds = (performance.now() - start) / 1000
  await consumer.close(true)
  await client.close()
  return seconds
}

async function throughSource(
  place: Place,
  topic: string,
  name: string,
  guarantee: ProcessingGuarantee,
): Promise<number> {
  const { context, servers } = place
  const messagingUrl = `embedded:${join(context.folder, name)}`
  const client = await openEmbedded({ directory: join(context.folder, name) })
  const target = 'persistent://public/default/bench'
  await client.topics.create(target)
  await client.topics.setRetention(target, { sizeBytes: -1, timeMs: -1 })
  const config = {
    name,
    archive: join(context.root, 'connectors', 'kafka.tgz'),
    topicName: target,
    processingGuarantees: guarantee,
    configs: { bootstrapServers: servers, topic, groupId: name },
  }
  const run = await startConnectors([{ kind: 'source', config }], {
    messaging: { url: messagingUrl },
    log: () => undefined,
  })
  const start = performance.now()
  while ((await client.topics.stats(target)).messages < RECORDS) await sleep(20)
  const seconds = (performance.now() - start) / 1000
  const { error } = await run.stop()
  if (error) throw error
  await client.close()
  return seconds
}
