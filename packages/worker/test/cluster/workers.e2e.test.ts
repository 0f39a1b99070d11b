import { existsSync, readFileSync } from 'node:fs'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packConnector } from '../../../../tooling/pack/pack-connector.ts'
import { RuntimeWorker } from './process/runtime-worker.ts'
import { eventually } from './support.ts'

const FILE = resolve(import.meta.dirname, '../../../../connectors/file')
const FLAGS = ['--lease', '4s', '--log-format', 'json']
const WITHIN_MS = 15_000

let directory: string
const workers = new Map<string, RuntimeWorker>()

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pio-workers-'))
  await packConnector(FILE, join(directory, 'connectors/file.tgz'))
})

afterAll(async () => {
  for (const worker of workers.values()) await worker.kill()
  await rm(directory, { recursive: true, force: true })
})

async function start(workerId: string): Promise<RuntimeWorker> {
  const worker = new RuntimeWorker(workerId, directory, FLAGS)
  workers.set(workerId, worker)
  await worker.ready()
  return worker
}

async function create(on: RuntimeWorker, kind: 'sink' | 'source', config: object): Promise<void> {
  const form = new FormData()
  form.set(
    `${kind}Config`,
    new Blob([JSON.stringify({ ...config, archive: 'builtin://file' })], { type: 'application/json' }),
  )
  const { name } = config as { readonly name: string }
  const answer = await on.ask('POST', `/admin/v3/${kind}s/public/default/${name}`, form)
  expect(answer).toEqual({ status: 204, body: undefined })
}

/** The worker that runs a connector, as another one tells; undefined while nobody does. */
async function whereIs(path: string, asked: RuntimeWorker): Promise<string | undefined> {
  const { body } = await asked.ask('GET', `/admin/v3/${path}/status`)
  const [instance] = (body as { instances?: { status: { running: boolean; workerId: string } }[] }).instances ?? []
  return instance?.status.running ? instance.status.workerId : undefined
}

/** Stops the process that runs a connector, and lets it go on once others have what it ran. */
async function pause(connector: string): Promise<void> {
  let owner: string | undefined
  const ask = async (worker: RuntimeWorker) => {
    owner = await whereIs(connector, worker)
    return owner !== undefined
  }
  await eventually(`${connector} runs`, () => ask([...workers.values()][0] as RuntimeWorker))
  const victim = workers.get(owner ?? '') as RuntimeWorker
  const other = [...workers.values()].find(worker => worker !== victim) as RuntimeWorker
  victim.child.kill('SIGSTOP')
  try {
    await eventually('others have what it ran', async () => {
      const { body } = await other.ask('GET', '/admin/v2/worker/assignments')
      return !(victim.workerId in (body as object))
    })
  } finally {
    victim.child.kill('SIGCONT')
  }
}

describe('three runtime workers on one log', () => {
  it('lose no record and write none twice when the one that runs a connector is killed', async () => {
    for (const workerId of ['a', 'b', 'c']) await start(workerId)
    const [input, output] = [join(directory, 'in.txt'), join(directory, 'out.txt')]
    const b = workers.get('b') as RuntimeWorker
    const common = { tenant: 'public', namespace: 'default', processingGuarantees: 'EFFECTIVELY_ONCE' }
    const configs = { path: output, format: 'lines' }
    await create(b, 'sink', {
      ...common,
      name: 'out',
      inputs: ['numbers'],
      sourceSubscriptionPosition: 'Earliest',
      configs,
    })
    const source = { ...common, name: 'in', topicName: 'numbers', configs: { path: input, follow: true } }
    await create(workers.get('c') as RuntimeWorker, 'source', source)
    let written = 0
    let writing = true
    const writer = (async () => {
      while (writing) {
        await appendFile(input, `${Array.from({ length: 20 }, () => written++).join('\n')}\n`)
        await new Promise(done => setTimeout(done, 20))
      }
    })()
    const tookMs: string[] = []
    try {
      for (const connector of ['sinks/public/default/out', 'sources/public/default/in', 'sinks/public/default/out']) {
        let owner: string | undefined
        await eventually(`${connector} runs`, async () => {
          owner = await whereIs(connector, [...workers.values()][0] as RuntimeWorker)
          return owner !== undefined
        })
        const victim = workers.get(owner ?? '') as RuntimeWorker
        const other = [...workers.values()].find(worker => worker !== victim) as RuntimeWorker
        const at = performance.now()
        await victim.kill()
        const moved = async () => ![undefined, owner].includes(await whereIs(connector, other))
        await eventually(`${connector} runs elsewhere`, moved, WITHIN_MS)
        tookMs.push(`${connector}: ${Math.round(performance.now() - at)} ms`)
        await start(victim.workerId)
      }
      await pause('sinks/public/default/out')
      writing = false
      await writer
      await eventually('everything is in the file', () => lines(output).length >= written)
      expect(lines(output)).toEqual(Array.from({ length: written }, (_, i) => String(i)))
      for (const worker of workers.values()) expect(await worker.stop()).toBe(0)
    } catch (error) {
      for (const { workerId, log } of workers.values()) console.log(workerId, log.slice(-4_000))
      throw error
    } finally {
      writing = false
      console.log(`${written} records, taken over after kill -9:\n  ${tookMs.join('\n  ')}`)
    }
  }, 240_000)
})

function lines(path: string): readonly string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
}
