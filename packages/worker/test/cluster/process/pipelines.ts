import { existsSync, readFileSync } from 'node:fs'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect } from 'vitest'
import { packConnector } from '../../../../../tooling/pack/pack-connector.ts'
import { eventually } from '../support.ts'
import { RuntimeWorker } from './runtime-worker.ts'
import { random, seed } from './torment.ts'

const FILE = resolve(import.meta.dirname, '../../../../../connectors/file')
const FLAGS = ['--lease', '4s', '--log-format', 'json', '--rate-limit', '0']
/** Milliseconds after which everything has to run elsewhere. */
const WITHIN_MS = 15_000
const PIPELINES = ['x', 'y', 'z']

/** Where the workers meet. */
export interface Place {
  /** Flags of `runtime worker`; default: an embedded log of its own. */
  readonly flags?: readonly string[]
  /** Tenant and namespace of topics and connectors. */
  readonly namespace: string
  /** Every fourth fault lets a worker stand still instead of ending it. */
  readonly pauses: boolean
}

let directory: string
let place: Place
const workers = new Map<string, RuntimeWorker>()

async function start(workerId: string): Promise<RuntimeWorker> {
  const worker = new RuntimeWorker(workerId, directory, [...FLAGS, ...(place.flags ?? [])], place.flags === undefined)
  workers.set(workerId, worker)
  await worker.ready()
  return worker
}

async function create(on: RuntimeWorker, kind: 'sink' | 'source', config: { readonly name: string }): Promise<void> {
  const form = new FormData()
  const json = JSON.stringify({ ...config, archive: 'builtin://file' })
  form.set(`${kind}Config`, new Blob([json], { type: 'application/json' }))
  const answer = await on.ask('POST', `/admin/v3/${kind}s/${place.namespace}/${config.name}`, form)
  expect(answer).toEqual({ status: 204, body: undefined })
}

/** A file that grows goes through a topic into another file, each record once. */
async function pipeline(name: string, on: RuntimeWorker): Promise<void> {
  const [tenant, namespace] = place.namespace.split('/')
  const common = { tenant, namespace, processingGuarantees: 'EFFECTIVELY_ONCE' }
  const topic = `persistent://${place.namespace}/${name}`
  await create(on, 'sink', {
    ...common,
    name: `${name}-out`,
    inputs: [topic],
    sourceSubscriptionPosition: 'Earliest',
    configs: { path: output(name), format: 'lines' },
  } as { readonly name: string })
  await create(on, 'source', {
    ...common,
    name: `${name}-in`,
    topicName: topic,
    configs: { path: input(name), follow: true },
  } as { readonly name: string })
}

const input = (name: string) => join(directory, `${name}-in.txt`)
const output = (name: string) => join(directory, `${name}-out.txt`)
const lines = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [])
const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i))

/** Connectors that do not run on a worker that lives, as one of these tells. */
async function idle(asked: RuntimeWorker, gone: string | undefined): Promise<readonly string[]> {
  const paths = PIPELINES.flatMap(name => [
    `sinks/${place.namespace}/${name}-out`,
    `sources/${place.namespace}/${name}-in`,
  ])
  const found: string[] = []
  for (const path of paths) {
    const { body } = await asked.ask('GET', `/admin/v3/${path}/status`)
    const { instances = [] } = body as { instances?: { status: { running: boolean; workerId: string } }[] }
    const [only] = instances
    if (only?.status.running !== true || only.status.workerId === gone) found.push(path)
  }
  return found
}

async function kill(victim: RuntimeWorker, other: RuntimeWorker): Promise<number> {
  const at = performance.now()
  await victim.kill()
  const what = `everything runs without ${victim.workerId}`
  await eventually(what, async () => (await idle(other, victim.workerId)).length === 0, WITHIN_MS)
  const took = performance.now() - at
  await start(victim.workerId)
  return took
}

/**
 * It goes on when others have what it ran: on the embedded log they wait for it to let go of its subscriptions. Where it
 * stands still in the middle of a write to that log, nobody else can write, and it goes on when they have noticed.
 */
async function pause(victim: RuntimeWorker, other: RuntimeWorker): Promise<number> {
  const at = performance.now()
  const losses = () => other.log.split('lost touch').length
  const before = losses()
  victim.child.kill('SIGSTOP')
  try {
    const assigned = async () => (await other.ask('GET', '/admin/v2/worker/assignments')).body as object
    const over = async () => losses() > before || !(victim.workerId in (await assigned()))
    await eventually('others have what it ran', over, WITHIN_MS)
    return performance.now() - at
  } finally {
    victim.child.kill('SIGCONT')
  }
}

/**
 * Three workers move the growing lines of three files through topics into files, while one worker after the other is
 * killed or stands still. Expects each line once, in order.
 */
export async function tormentPipelines(at: Place, faults: number): Promise<void> {
  place = at
  directory = await mkdtemp(join(tmpdir(), 'pio-workers-'))
  try {
    await packConnector(FILE, join(directory, 'connectors/file.tgz'))
    await go(faults)
  } finally {
    for (const worker of workers.values()) await worker.kill()
    workers.clear()
    await rm(directory, { recursive: true, force: true })
  }
}

async function go(faults: number): Promise<void> {
  for (const workerId of ['a', 'b', 'c']) await start(workerId)
  const all = () => [...workers.values()]
  for (const [i, name] of PIPELINES.entries()) await pipeline(name, all()[i] as RuntimeWorker)
  let written = 0
  let writing = true
  const writer = (async () => {
    while (writing) {
      const text = `${Array.from({ length: 20 }, () => written++).join('\n')}\n`
      for (const name of PIPELINES) await appendFile(input(name), text)
      await new Promise(done => setTimeout(done, 20))
    }
  })()
  const next = random(seed)
  const tookMs: string[] = []
  try {
    for (let fault = 0; fault < faults; fault += 1) {
      const what = 'everything runs, and everybody something'
      const busy = async () => Object.keys((await all()[0]?.ask('GET', '/admin/v2/worker/assignments'))?.body as object)
      const ready = async () => (await idle(all()[0] as RuntimeWorker, undefined)).length === 0
      await eventually(what, async () => (await busy()).length === 3 && (await ready()), 60_000)
      const victim = all()[Math.floor(next() * 3)] as RuntimeWorker
      const other = all().find(worker => worker !== victim) as RuntimeWorker
      const kills = !place.pauses || fault % 4 !== 3
      const took = await (kills ? kill : pause)(victim, other)
      tookMs.push(`${kills ? 'kill' : 'pause'} ${Math.round(took)}`)
    }
    writing = false
    await writer
    for (const name of PIPELINES) {
      await eventually(`all of ${name} is in the file`, () => lines(output(name)).length >= written, 60_000)
      expect(lines(output(name))).toEqual(numbers(written))
    }
    for (const worker of workers.values()) expect(await worker.stop()).toBe(0)
  } catch (error) {
    for (const { workerId, log } of workers.values()) console.log(workerId, log.slice(-4_000))
    throw error
  } finally {
    writing = false
    await writer
    console.log(`${PIPELINES.length} times ${written} records; milliseconds to take over: ${tookMs.join(', ')}`)
  }
}
