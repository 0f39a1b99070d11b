import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fetchArchive } from '../src/archive/index.ts'
import {
  type ConnectorSpec,
  connectorStatus,
  type HostedInstance,
  hostInstance,
  type Isolation,
  openMessaging,
  planConnector,
  type SinkStatus,
} from '../src/index.ts'
import { connectorEntries, tgz } from './archive/make-archive.ts'
import { eventually } from './task/harness.ts'

/** A sink that writes lines, and crashes once there is the file `crash`. */
const SINK = `
import { appendFileSync, existsSync, rmSync } from 'node:fs'
export default {
  kind: 'sink', apiLevel: 1, name: 'tiny', summary: 'Probe.', delivery: 'at-least-once', settles: 'write', batched: true,
  batchPolicy: () => ({ maxDelayMs: 1 }), jsonSchema: () => ({ properties: {} }), parse: config => ({ ok: true, config }),
  create: () => {
    let config
    let timer
    return {
      open(given) {
        config = given
        timer = setInterval(() => {
          if (!existsSync(config.crash)) return
          rmSync(config.crash)
          throw new Error('crashed')
        }, 10)
      },
      write(records) { appendFileSync(config.file, records.map(({ value }) => Buffer.from(value) + '\\n').join('')) },
      close() { clearInterval(timer) },
    }
  },
}
`

/** A source that counts up as fast as it is asked to, or, with `push`, that emits once and tells when it was taken. */
const source = (style: 'pull' | 'push') => `
import { writeFileSync } from 'node:fs'
export default {
  kind: 'source', apiLevel: 1, name: 'tiny', summary: 'Probe.', delivery: 'at-least-once', style: '${style}',
  schema: () => ({ type: 'STRING' }), jsonSchema: () => ({ properties: {} }), parse: config => ({ ok: true, config }),
  create: () => {
    let next = 0
    return {
      open(config, context, emit) {
        if ('${style}' === 'push') emit({ value: 'pushed' }).then(() => writeFileSync(config.file, 'taken'))
      },
      async read() {
        await new Promise(resolve => setImmediate(resolve))
        return { value: String(next++) }
      },
      close() {},
    }
  },
}
`

let folder: string
let hosted: HostedInstance[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pio-hold-'))
  hosted = []
})
afterEach(async () => {
  await Promise.all(hosted.map(each => each.stop(1_000)))
  rmSync(folder, { recursive: true, force: true })
})

const path = (name: string) => join(folder, name)
const written = () => (existsSync(path('out')) ? readFileSync(path('out'), 'utf8').trim().split('\n') : [])

async function host(kind: 'sink' | 'source', code: string, isolation: Isolation): Promise<HostedInstance> {
  const facts = { export: 'default', summary: 'Probe.', configSchema: {}, delivery: 'at-least-once' }
  const manifest = { kinds: [kind], sink: undefined, [kind]: facts }
  writeFileSync(path('tiny.tgz'), tgz(connectorEntries({ files: { 'dist/index.js': code }, manifest })))
  const { resolved } = await fetchArchive(path('tiny.tgz'), { cacheDir: path('cache') })
  const configs = { file: path('out'), crash: path('crash') }
  const topics = kind === 'sink' ? { inputs: ['in'], sourceSubscriptionPosition: 'Earliest' } : { topicName: 'out' }
  const spec = { kind, config: { name: 's', ...topics, configs } } as ConnectorSpec
  const plan = await planConnector(spec, { messaging: { url: `embedded:${path('data')}` } }, resolved)
  const one = hostInstance(plan, 0, {
    isolation,
    restart: { minDelayMs: 10, maxDelayMs: 50, stuckAfterMs: 1_000 },
    log: () => undefined,
  })
  hosted.push(one)
  return one
}

async function produce(...messages: readonly string[]): Promise<void> {
  const client = await openMessaging({ url: `embedded:${path('data')}` })
  await (await client.createProducer({ topic: 'in' })).send(messages.map(text => ({ payload: Buffer.from(text) })))
  await client.close()
}

describe('a held sink', () => {
  it.each<Isolation>(['inline', 'thread', 'process'])('takes nothing until it is let again (%s)', async isolation => {
    const one = await host('sink', SINK, isolation)
    await one.opened
    await produce('a')
    await eventually(() => one.snapshot().written === 1)
    one.hold(true)
    await eventually(() => one.snapshot().state === 'paused')
    await produce('b', 'c')
    // Also longer than an instance that has work may do nothing.
    await eventually(() => one.snapshot().lag === 2)
    await new Promise(resolve => setTimeout(resolve, 2_000))
    expect(one.snapshot()).toMatchObject({ state: 'paused', received: 1, stuck: 0, restarts: 0 })
    const status = connectorStatus('sink', [one.snapshot()], 'w') as SinkStatus
    expect(status).toMatchObject({ numRunning: 1, instances: [{ status: { running: true, state: 'paused' } }] })
    one.hold(false)
    await eventually(() => one.snapshot().written === 3)
    expect(one.snapshot().state).toBe('running')
    expect(written()).toEqual(['a', 'b', 'c'])
  })

  it('is held from the beginning, and still in its next life', async () => {
    const one = await host('sink', SINK, 'thread')
    one.hold(true)
    await produce('a')
    await one.opened
    await eventually(() => one.snapshot().lag === 1)
    writeFileSync(path('crash'), '')
    await eventually(() => one.snapshot().restarts === 1 && one.snapshot().state === 'paused')
    await eventually(() => one.snapshot().lag === 1)
    expect(one.snapshot().received).toBe(0)
    one.hold(false)
    await eventually(() => one.snapshot().written === 1)
  })

  it('stops at once, and leaves what it did not take', async () => {
    const one = await host('sink', SINK, 'inline')
    await one.opened
    one.hold(true)
    await produce('a')
    await one.stop(60_000)
    expect(written()).toEqual([])
    const next = await host('sink', SINK, 'inline')
    await eventually(() => next.snapshot().written === 1)
  })
})

describe('a held source', () => {
  it('publishes nothing until it is let again', async () => {
    const one = await host('source', source('pull'), 'thread')
    await eventually(() => one.snapshot().written > 0)
    one.hold(true)
    await eventually(() => one.snapshot().state === 'paused' && one.snapshot().inFlight === 0)
    await new Promise(resolve => setTimeout(resolve, 500))
    const { written: before } = one.snapshot()
    await new Promise(resolve => setTimeout(resolve, 500))
    expect(one.snapshot()).toMatchObject({ written: before, stuck: 0, restarts: 0 })
    one.hold(false)
    await eventually(() => one.snapshot().written > before)
  })

  it('that is pushed to lets whoever sends wait, and passes on what it was given when it stops', async () => {
    const one = await host('source', source('push'), 'inline')
    one.hold(true)
    await one.opened
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(written()).toEqual([])
    await one.stop(5_000)
    expect(written()).toEqual(['taken'])
    expect(one.snapshot().written).toBe(1)
  })
})
