import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { threadId, Worker } from 'node:worker_threads'
import { expect, it, onTestFinished } from 'vitest'
import { type ConnectorSpec, startConnectors } from '../src/index.ts'
import { StandbyThread } from '../src/instance/standby.ts'
import { startThread } from '../src/instance/thread.ts'
import { connectorEntries, tgz } from './archive/make-archive.ts'

/** A sink that says which thread it is in. */
const SINK = `
import { threadId } from 'node:worker_threads'
export default {
  kind: 'sink', apiLevel: 1, name: 'tiny', summary: 'Probe.', delivery: 'at-least-once', settles: 'write', batched: true,
  batchPolicy: () => ({}), jsonSchema: () => ({}), parse: config => ({ ok: true, config }),
  create: () => ({ open(_, { logger }) { logger.info('thread ' + threadId) }, write() {}, close() {} }),
}
`

/** Runs sinks, stops them, and tells the numbers of their threads. */
async function threadsOf(standby: StandbyThread, ...fields: readonly object[]): Promise<number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'pio-standby-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const facts = { export: 'default', summary: 'Probe.', configSchema: {}, delivery: 'at-least-once' }
  const archive = join(folder, 'tiny.tgz')
  writeFileSync(
    archive,
    tgz(connectorEntries({ files: { 'dist/index.js': SINK }, manifest: { kinds: ['sink'], sink: facts } })),
  )
  const specs = fields.map(
    (more, i): ConnectorSpec => ({
      kind: 'sink',
      config: { name: `s${i}`, archive, inputs: ['in'], ...more },
    }),
  )
  const threads: number[] = []
  const run = await startConnectors(specs, {
    messaging: { url: `embedded:${join(folder, 'data')}` },
    cacheDir: join(folder, 'cache'),
    standby,
    log: ({ message }) => {
      const [, id] = /^thread (\d+)$/.exec(message) ?? []
      if (id !== undefined) threads.push(Number(id))
    },
  })
  expect(await run.stop()).toMatchObject({ reason: 'stopped' })
  return threads
}

/** The number that the next thread gets; they count up. */
async function nextThread(): Promise<number> {
  const probe = startThread('probe')
  const next = probe.threadId + 1
  await probe.terminate()
  return next
}

it('is the thread of the first instance, and of no other', async () => {
  const next = await nextThread()
  const standby = new StandbyThread()
  const threads = await threadsOf(standby, {}, {})
  expect(threads.sort((a, b) => a - b)).toEqual([next, next + 1])
  expect(threads).not.toContain(threadId)
  expect(standby.take()).toBeUndefined()
})

it('is ended where it will not do, as for an instance with a limit of its own', async () => {
  const next = await nextThread()
  const standby = new StandbyThread()
  expect(await threadsOf(standby, { resources: { ram: 256 * 1024 * 1024 } })).toEqual([next + 1])
  expect(standby.take()).toBeUndefined()
})

it('is not handed out once it has died', async () => {
  const died = Promise.withResolvers<unknown>()
  const standby = new StandbyThread(() => {
    const worker = new Worker('throw new Error("no memory, say")', { eval: true })
    worker.on('exit', died.resolve)
    return worker
  })
  await died.promise
  expect(standby.take()).toBeUndefined()
})
