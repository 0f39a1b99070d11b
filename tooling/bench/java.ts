import { execFile } from 'node:child_process'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Consumer } from '@pulsar-io/messaging'
import { openPulsar } from '@pulsar-io/messaging-pulsar'
import { packConnector } from '../pack/pack-connector.ts'
import { type AvailableService, javaConnector, pulsarAdmin, service } from '../services/index.ts'
import { benchNamespace, publishedTo } from './cluster.ts'
import { javaRun, LocalRun, ourRun, type RunCommand } from './local-run.ts'
import { ratios, spread } from './stats.ts'
import type { Bench, BenchContext, Figure } from './types.ts'

const runFile = promisify(execFile)

/** How long each source runs once its first message is there. */
const SECONDS = 15

/** What a local run did. */
interface Measured {
  /** Milliseconds from the start of the process until somebody who listens to the topic has the first message. */
  readonly firstMs: number
  readonly perSecond: number
  readonly perCpuSecond: number
  readonly residentMB: number
}

/**
 * The data generator of Apache Pulsar in its local runner, against a source here that makes up the
 * same kind of records, into the same broker, taking turns.
 */
export const java: Bench = async context => {
  const [cluster, admin, nar] = [await service('pulsar'), await pulsarAdmin(), await javaConnector('data-generator')]
  if (!cluster.available) return cluster.reason
  if (!admin.available) return admin.reason
  if (!nar.available) return nar.reason
  const archive = join(context.folder, 'generator.tgz')
  await packConnector(join(import.meta.dirname, 'generator'), archive)
  const generator = await unvalidated(nar.path, context.folder)
  const namespace = await benchNamespace(cluster)
  const [ours, theirs]: [Measured[], Measured[]] = [[], []]
  for (let round = 0; round < context.rounds; round++) {
    const theirTopic = `persistent://${namespace}/java-${round}`
    const theirRun = javaRun(admin, [
      ...['--sourceConfig', JSON.stringify(javaConfig(generator, theirTopic, `java-${round}`))],
      ...['--brokerServiceUrl', cluster.url, '--webServiceUrl', cluster.adminUrl ?? ''],
    ])
    theirs.push(await measured(context, cluster, theirTopic, theirRun))
    const ourTopic = `persistent://${namespace}/node-${round}`
    const run = ourRun(context.root, [
      ...['--archive', archive, '--name', `node-${round}`],
      ...['--destination-topic-name', ourTopic, '--source-config', '{}'],
      ...['--broker-service-url', cluster.url, '--web-service-url', cluster.adminUrl ?? ''],
    ])
    ours.push(await measured(context, cluster, ourTopic, run))
  }
  const figure = (name: string, unit: string, of: (one: Measured) => number, goal: string, least: number): Figure => {
    const [value, reference] = [ours.map(of), theirs.map(of)]
    const ratio = ratios(value, reference)
    const reached = least >= 1 ? ratio.median >= least : ratio.median <= least
    return {
      name: `data generator: ${name}`,
      unit,
      value: spread(value),
      reference: { name: 'Java’s local runner', value: spread(reference), ratio },
      goal,
      reached,
    }
  }
  return [
    figure('messages', 'messages/s', one => one.perSecond, 'ratio ≥ 1', 1),
    figure('messages by time of the processor', 'messages/CPU s', one => one.perCpuSecond, 'ratio ≥ 2', 2),
    figure('start to first message', 'ms', one => one.firstMs, 'ratio ≤ 0.1', 0.1),
    figure('resident memory', 'MB', one => one.residentMB, 'ratio ≤ 0.33', 0.33),
  ]
}

/**
 * A copy of the archive that names no class for its options: their check takes no pause of 0 between messages, though the
 * source does.
 */
async function unvalidated(nar: string, folder: string): Promise<string> {
  const copy = join(folder, 'data-generator.nar')
  const definition = 'META-INF/services/pulsar-io.yaml'
  await copyFile(nar, copy)
  await runFile('jar', ['xf', copy, definition], { cwd: folder })
  const text = await readFile(join(folder, definition), 'utf8')
  await writeFile(join(folder, definition), text.replace(/^sourceConfigClass:.*\n/m, ''))
  await runFile('jar', ['uf', copy, definition], { cwd: folder })
  return copy
}

function javaConfig(archive: string, topicName: string, name: string) {
  const configs = { sleepBetweenMessages: '0' }
  return {
    tenant: 'public',
    namespace: 'default',
    name,
    archive,
    topicName,
    configs,
    processingGuarantees: 'ATLEAST_ONCE',
  }
}

async function measured(
  { folder }: BenchContext,
  cluster: AvailableService,
  topic: string,
  command: RunCommand,
): Promise<Measured> {
  const client = await openPulsar({ serviceUrl: cluster.url, adminUrl: cluster.adminUrl ?? '' })
  try {
    const listener = await client.subscribe({ topics: [topic], subscription: 'listener', type: 'Exclusive' })
    const run = new LocalRun(command, folder)
    try {
      const firstMs = await firstMessage(listener, run)
      return { firstMs, ...(await watched(run, cluster, topic)) }
    } finally {
      await run.end()
    }
  } finally {
    await client.close()
  }
}

/** Milliseconds from the start of the process to the first message. What comes behind it waits for nobody. */
async function firstMessage(listener: Consumer, run: LocalRun): Promise<number> {
  const messages = await listener.receive({ maxMessages: 1, timeoutMs: 120_000 })
  const firstMs = performance.now() - run.began
  if (messages.length === 0) throw new Error(`no message came: ${run.said}`)
  await listener.unsubscribe()
  return firstMs
}

async function watched(run: LocalRun, cluster: AvailableService, topic: string): Promise<Omit<Measured, 'firstMs'>> {
  // What compiles while it runs has time to.
  await sleep(5_000)
  const [from, before, start] = [await publishedTo(cluster, topic), run.usage(), performance.now()]
  let residentMB = 0
  while (performance.now() - start < SECONDS * 1000) {
    residentMB = Math.max(residentMB, run.usage().residentMB)
    await sleep(200)
  }
  const [to, after, seconds] = [await publishedTo(cluster, topic), run.usage(), (performance.now() - start) / 1000]
  return {
    perSecond: (to - from) / seconds,
    perCpuSecond: (to - from) / (after.cpuSeconds - before.cpuSeconds),
    residentMB,
  }
}
