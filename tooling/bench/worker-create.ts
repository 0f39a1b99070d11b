import { openAsBlob } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { packConnector } from '../pack/pack-connector.ts'
import { type AvailableService, javaConnector, service } from '../services/index.ts'
import { benchNamespace, publishedTo } from './cluster.ts'
import { ratios, spread } from './stats.ts'
import type { Bench } from './types.ts'
import { adminCall, WorkerProcess } from './worker-process.ts'

/**
 * A source that makes up records is created on a worker with its archive, as one request: our worker beside Pulsar's own,
 * on the same broker, in turns. The time is that from the request until its first message is in the topic.
 */
export const workerCreate: Bench = async ({ root, folder, rounds }) => {
  const cluster = await service('pulsar-functions')
  if (!cluster.available) return cluster.reason
  const nar = await javaConnector('data-generator')
  if (!nar.available) return nar.reason
  const archive = join(folder, 'generator.tgz')
  await packConnector(join(import.meta.dirname, 'generator'), archive)
  const namespace = await benchNamespace(cluster)
  const home = join(folder, 'worker-create')
  await mkdir(home)
  const worker = new WorkerProcess(root, home, [
    ...['--broker-service-url', cluster.url, '--web-service-url', cluster.adminUrl ?? ''],
  ])
  const [ours, theirs]: [number[], number[]] = [[], []]
  try {
    // The first round warms both and does not count.
    for (let round = 0; round <= rounds; round++) {
      const our = await created(cluster, `${namespace}/node-${round}`, archive, {}, (...call) => worker.call(...call))
      const their = await created(cluster, `${namespace}/java-${round}`, nar.path, PAUSE, (...call) =>
        adminCall(cluster.adminUrl ?? '', ...call),
      )
      if (round === 0) continue
      ours.push(our)
      theirs.push(their)
    }
  } finally {
    await worker.end()
  }
  const value = spread(ours)
  return [
    {
      name: 'worker: create with an archive → first message',
      unit: 'ms',
      value,
      reference: { name: 'Pulsar’s own worker', value: spread(theirs), ratio: ratios(ours, theirs) },
      goal: '≤ 1,000 ms',
      reached: value.median <= 1_000,
    },
  ]
}

/** Theirs has no default for the pause between messages, in milliseconds. */
const PAUSE = { sleepBetweenMessages: '10' }

type Call = (method: string, path: string, body?: object) => Promise<unknown>

/** Milliseconds from the request to the first message. The source is deleted again. */
async function created(
  cluster: AvailableService,
  topic: string,
  archive: string,
  configs: object,
  call: Call,
): Promise<number> {
  const name = basename(topic)
  const path = `sources/public/default/${name}`
  const topicName = `persistent://${topic}`
  const form = new FormData()
  form.set('data', await openAsBlob(archive), basename(archive))
  form.set('sourceConfig', new Blob([JSON.stringify({ name, topicName, configs })], { type: 'application/json' }))
  const begin = performance.now()
  await call('POST', path, form)
  while ((await publishedTo(cluster, topicName)) === 0) {
    if (performance.now() - begin > 120_000) throw new Error(`${name} published nothing`)
    await sleep(5)
  }
  const took = performance.now() - begin
  await call('DELETE', path)
  return took
}
