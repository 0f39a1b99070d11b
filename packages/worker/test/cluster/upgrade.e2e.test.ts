import { existsSync, readFileSync } from 'node:fs'
import { appendFile, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packConnector } from '../../../../tooling/pack/pack-connector.ts'
import { packVersion } from './process/archive-versions.ts'
import { RuntimeWorker } from './process/runtime-worker.ts'
import { eventually } from './support.ts'

const FILE = resolve(import.meta.dirname, '../../../../connectors/file')
/** Milliseconds in which a connector that was upgraded has to be at work again. */
const WITHIN_MS = 15_000
/** How each pipeline is set up: one of each guarantee, one with an archive of its own, one with a built-in one. */
const PIPELINES = [
  { name: 'own', processingGuarantees: 'ATLEAST_ONCE' },
  { name: 'builtin', processingGuarantees: 'EFFECTIVELY_ONCE' },
] as const

let directory: string
const workers = new Map<string, RuntimeWorker>()

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pio-upgrade-'))
})
afterEach(async () => {
  for (const worker of workers.values()) await worker.kill()
  workers.clear()
  await rm(directory, { recursive: true, force: true })
})

const at = (name: string) => join(directory, name)
const lines = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [])
const output = (name: string) => lines(at(`${name}-out.txt`))

async function start(workerId: string): Promise<RuntimeWorker> {
  const worker = new RuntimeWorker(workerId, directory, ['--lease', '4s', '--rate-limit', '0'], true)
  workers.set(workerId, worker)
  await worker.ready()
  return worker
}

/** Sends what pulsar-admin sends. */
async function change(
  on: RuntimeWorker,
  method: 'POST' | 'PUT',
  kind: 'sink' | 'source',
  name: string,
  config: object,
  archive?: string,
): Promise<void> {
  const form = new FormData()
  form.set(`${kind}Config`, new Blob([JSON.stringify(config)], { type: 'application/json' }))
  if (archive !== undefined) form.set('data', new Blob([new Uint8Array(await readFile(archive))]), 'file.tgz')
  const answer = await on.ask(method, `/admin/v3/${kind}s/public/default/${name}`, form)
  expect(answer).toEqual({ status: 204, body: undefined })
}

async function post(on: RuntimeWorker, path: string): Promise<void> {
  expect(await on.ask('POST', `/admin/v3/${path}`)).toEqual({ status: 204, body: undefined })
}

/** A file that grows goes through a topic into another file. */
async function create(on: RuntimeWorker, name: string, common: object, archive: string | undefined): Promise<void> {
  const code = archive === undefined ? { archive: 'builtin://file' } : {}
  const sink = { inputs: [name], sourceSubscriptionPosition: 'Earliest' }
  const sinkConfig = { ...common, ...code, ...sink, configs: { path: at(`${name}-out.txt`), format: 'lines' } }
  await change(on, 'POST', 'sink', `${name}-sink`, sinkConfig, archive)
  const configs = { path: at(`${name}-in.txt`), follow: true }
  await change(on, 'POST', 'source', `${name}-source`, { ...common, ...code, topicName: name, configs }, archive)
}

/** Numbers to the end of each file, until it is told to end; then how many. */
function numbers(): { readonly written: () => number; end(): Promise<number> } {
  let written = 0
  let going = true
  const writer = (async () => {
    while (going) {
      const text = `${Array.from({ length: 20 }, () => written++).join('\n')}\n`
      for (const { name } of PIPELINES) await appendFile(at(`${name}-in.txt`), text)
      await new Promise(done => setTimeout(done, 20))
    }
  })()
  return {
    written: () => written,
    async end() {
      going = false
      await writer
      return written
    },
  }
}

describe('while records come', () => {
  it('archives and workers are replaced, one after the other, and no record is lost', {
    timeout: 120_000,
  }, async () => {
    await packConnector(FILE, at('connectors/file.tgz'))
    const [first, next, said] = [at('connectors/file.tgz'), at('next.tgz'), at('said')]
    await packVersion(first, '9.0.0', said, next)
    const [a, b] = [await start('a'), await start('b')]
    for (const { name, processingGuarantees } of PIPELINES)
      await create(a, name, { processingGuarantees }, name === 'own' ? first : undefined)
    const writer = numbers()
    try {
      const goesOn = async (what: string) => {
        const least = writer.written()
        for (const { name } of PIPELINES)
          await eventually(`${name} goes on: ${what}`, () => output(name).length > least, WITHIN_MS)
      }
      await goesOn('as created')
      expect(lines(said)).toEqual([])

      // A connector with an archive of its own: an update brings the new one.
      await change(b, 'PUT', 'sink', 'own-sink', {}, next)
      await change(b, 'PUT', 'source', 'own-source', {}, next)
      await eventually('the update is loaded', () => lines(said).length === 2, WITHIN_MS)
      await goesOn('with an archive that was updated')

      // One with a built-in archive: replaced in the folder, looked at by each worker, and restarted.
      await rename(next, first)
      for (const worker of [a, b]) {
        await post(worker, 'sinks/reloadBuiltInSinks')
        await post(worker, 'sources/reloadBuiltInSources')
      }
      await goesOn('with a built-in archive that was replaced, as before')
      expect(lines(said)).toHaveLength(2)
      await post(a, 'sinks/public/default/builtin-sink/restart')
      await post(a, 'sources/public/default/builtin-source/restart')
      await eventually('the new built-in archive is loaded', () => lines(said).length === 4, WITHIN_MS)
      await goesOn('with the new built-in archive')
      const kinds = lines(said).map(line => line.split(' ')[0])
      expect(kinds.toSorted()).toEqual(['sink', 'sink', 'source', 'source'])

      // The workers, one after the other: each hands over what it runs.
      for (const worker of [a, b]) {
        expect(await worker.stop()).toBe(0)
        await goesOn(`without ${worker.workerId}`)
        await start(worker.workerId)
        await goesOn(`with a new ${worker.workerId}`)
      }
      expect(lines(said).every(line => line.endsWith(' 9.0.0'))).toBe(true)

      const count = await writer.end()
      const all = Array.from({ length: count }, (_, i) => String(i))
      for (const { name, processingGuarantees } of PIPELINES) {
        await eventually(`all of ${name} is there`, () => output(name).at(-1) === all.at(-1), WITHIN_MS)
        const arrived = output(name)
        // At least once: nothing is missing. Effectively once: nothing is there twice, either, nor out of order.
        expect(processingGuarantees === 'ATLEAST_ONCE' ? [...new Set(arrived)] : arrived).toEqual(all)
      }
    } catch (error) {
      for (const { workerId, log } of workers.values()) console.log(workerId, log.slice(-4_000))
      throw error
    } finally {
      await writer.end()
    }
  })
})
