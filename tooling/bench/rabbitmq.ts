import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startConnectors } from '@pulsar-io/engine'
import { type ChannelModel, connect } from 'amqplib'
import { service } from '../services/index.ts'
import { memoryOf } from './memory.ts'
import { ratios, spread } from './stats.ts'
import { BenchTopic, jsonRecords } from './topic.ts'
import type { Bench, BenchContext, Figure } from './types.ts'

const MESSAGES = 60_000
const BATCH = 1000
const PREFETCH = 500
const BYTES = 1024

interface Place {
  readonly context: BenchContext
  readonly model: ChannelModel
  /** Options that lead to the server. */
  readonly to: object
  readonly topic: BenchTopic
  readonly bodies: readonly Uint8Array[]
}

/**
 * A topic to a durable queue through the engine, against a loop that publishes batches of the same messages and waits for
 * the confirms of each; a queue into a topic, against a loop that consumes and acknowledges. The same driver everywhere.
 */
export const rabbitmq: Bench = async context => {
  const server = await service('rabbitmq')
  if (!server.available) return server.reason
  const { hostname, port } = new URL(server.url)
  const { username = 'guest', password = 'guest' } = server.credentials ?? {}
  const model = await connect({ hostname, port: Number(port), username, password })
  const bodies = jsonRecords(MESSAGES, BYTES)
  const topic = await BenchTopic.fill(context.folder, bodies)
  const place: Place = { context, model, to: { host: hostname, port, username, password }, topic, bodies }
  try {
    return [await sinkFigure(place), await sourceFigure(place), await memoryFigure(place)]
  } finally {
    await topic.close()
    await model.close()
  }
}

async function sinkFigure(place: Place): Promise<Figure> {
  const [sink, loop] = await takingTurns(
    place,
    (queue, round) => throughSink(place, queue, round),
    queue => confirmLoop(place, queue),
    async () => undefined,
  )
  const ratio = ratios(sink, loop)
  return {
    name: `embedded log → RabbitMQ sink with confirms, ${BYTES} B messages, batches of ${BATCH}`,
    unit: 'messages/s',
    value: spread(sink),
    reference: { name: 'loop of confirmed batches', value: spread(loop), ratio },
    goal: 'ratio ≥ 0.9',
    reached: ratio.median >= 0.9,
  }
}

async function sourceFigure(place: Place): Promise<Figure> {
  const [source, loop] = await takingTurns(
    place,
    (queue, round) => throughSource(place, queue, round),
    queue => consumeLoop(place, queue),
    queue => confirmLoop(place, queue),
  )
  const ratio = ratios(source, loop)
  return {
    name: `RabbitMQ source → embedded log, ${BYTES} B messages, prefetch ${PREFETCH}`,
    unit: 'messages/s',
    value: spread(source),
    reference: { name: 'loop that consumes', value: spread(loop), ratio },
    goal: 'ratio ≥ 0.5',
    reached: ratio.median >= 0.5,
  }
}

/** Messages per second of both, each with a queue of its own. Whoever goes second finds a warmer server, so they take turns. */
async function takingTurns(
  { context, model }: Place,
  ours: (queue: string, round: number) => Promise<number>,
  plain: (queue: string) => Promise<unknown>,
  prepare: (queue: string) => Promise<unknown>,
): Promise<readonly [number[], number[]]> {
  const channel = await model.createChannel()
  const [measured, reference]: [number[], number[]] = [[], []]
  for (let round = 0; round <= context.rounds; round++) {
    const once = async (which: 'ours' | 'plain'): Promise<number> => {
      const queue = `bench-${process.pid}-${which}-${round}`
      await channel.assertQueue(queue, { durable: true })
      await prepare(queue)
      const start = performance.now()
      const seconds = which === 'ours' ? await ours(queue, round) : undefined
      if (which === 'plain') await plain(queue)
      const took = seconds ?? (performance.now() - start) / 1000
      await channel.deleteQueue(queue)
      return MESSAGES / took
    }
    const first = round % 2 === 0 ? 'plain' : 'ours'
    const [a, b] = [await once(first), await once(first === 'plain' ? 'ours' : 'plain')]
    // The first round warms the server and does not count.
    if (round === 0) continue
    measured.push(first === 'plain' ? b : a)
    reference.push(first === 'plain' ? a : b)
  }
  await channel.close()
  return [measured, reference]
}

/** Publishes batch by batch what the sink publishes: the same properties, the same length of the message-id. */
async function confirmLoop({ model, bodies, topic }: Place, queue: string): Promise<void> {
  const channel = await model.createConfirmChannel()
  const id = `${topic.name}-0-${Date.now()}-`
  for (let from = 0; from < bodies.length; from += BATCH) {
    for (const [i, body] of bodies.slice(from, from + BATCH).entries())
      channel.publish('', queue, body as Buffer, {
        persistent: true,
        mandatory: true,
        messageId: `${id}${from + i}-0`,
        timestamp: Math.floor(Date.now() / 1000),
        contentType: 'application/octet-stream',
        headers: { 'pulsar-key': String(from + i) },
      })
    await channel.waitForConfirms()
  }
  await channel.close()
}

async function consumeLoop({ model }: Place, queue: string): Promise<void> {
  const channel = await model.createChannel()
  await channel.prefetch(PREFETCH)
  let count = 0
  await new Promise<void>((resolve, reject) => {
    const consuming = channel.consume(queue, message => {
      if (!message) return
      count++
      // As seldom as the prefetch lets it, and for all before it.
      if (count % (PREFETCH / 5) === 0 || count === MESSAGES) channel.ack(message, true)
      if (count === MESSAGES) resolve()
    })
    consuming.catch(reject)
  })
  await channel.close()
}

/** Seconds from the connected sink to the last acknowledgement. */
async function throughSink({ context, to, topic }: Place, queue: string, round: number): Promise<number> {
  const name = `rabbit-out-${round}`
  const archive = join(context.root, 'connectors', 'rabbitmq.tgz')
  const configs = { ...to, exchangeName: '', routingKey: queue, batchSize: BATCH }
  const config = { name, archive, inputs: [topic.name], sourceSubscriptionPosition: 'Earliest' as const, configs }
  const run = await startConnectors([{ kind: 'sink', config }], { messaging: { url: topic.url }, log: () => undefined })
  const start = performance.now()
  await topic.drained(`public/default/${name}`)
  const seconds = (performance.now() - start) / 1000
  const { error } = await run.stop()
  if (error) throw error
  return seconds
}

/** Seconds from the connected source to the last record in its topic. */
async function throughSource({ context, to }: Place, queue: string, round: number): Promise<number> {
  const archive = join(context.root, 'connectors', 'rabbitmq.tgz')
  const destination = await BenchTopic.empty(join(context.folder, `source-${round}`))
  const configs = { ...to, queueName: queue, passive: true, prefetchCount: PREFETCH }
  const config = { name: `rabbit-in-${round}`, archive, topicName: destination.name, configs }
  const run = await startConnectors([{ kind: 'source', config }], {
    messaging: { url: destination.url },
    log: () => undefined,
  })
  const start = performance.now()
  await destination.holds(MESSAGES)
  const seconds = (performance.now() - start) / 1000
  const { error } = await run.stop()
  if (error) throw error
  await destination.close()
  return seconds
}

/** Peak memory of the command while the sink works off all records. */
async function memoryFigure({ context, model, to, topic }: Place): Promise<Figure> {
  const channel = await model.createChannel()
  const peaks: number[] = []
  for (let round = 0; round < context.rounds; round++) {
    const queue = `bench-${process.pid}-memory-${round}`
    await channel.assertQueue(queue, { durable: true })
    const name = `rabbit-memory-${round}`
    const args = [
      ...[join(context.root, 'packages', 'runtime', 'bin', 'runtime.js'), '--kind', 'sink', '--name', name],
      ...['--archive', join(context.root, 'connectors', 'rabbitmq.tgz'), '--log-level', 'warn'],
      ...['--inputs', topic.name, '--subs-position', 'Earliest', '--broker-service-url', topic.url],
      ...['--sink-config', JSON.stringify({ ...to, exchangeName: '', routingKey: queue })],
    ]
    const child = spawn(process.execPath, args, { cwd: context.folder, stdio: 'ignore' })
    const exit = once(child, 'exit')
    await topic.subscribed(`public/default/${name}`)
    const done = topic.drained(`public/default/${name}`).then(() => true)
    let peak = 0
    while (!(await Promise.race([done, sleep(50, false)]))) peak = Math.max(peak, memoryOf(child).own)
    child.kill('SIGTERM')
    const [code] = await exit
    if (code !== 0) throw new Error(`runtime ended with ${code}`)
    await channel.deleteQueue(queue)
    peaks.push(peak)
  }
  await channel.close()
  const value = spread(peaks)
  return {
    name: `RabbitMQ sink working off ${MESSAGES.toLocaleString('en-US')} records, peak memory without the mapped log`,
    unit: 'MB',
    value,
    goal: '≤ 160 MB',
    reached: value.median <= 160,
  }
}
