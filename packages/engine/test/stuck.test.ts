import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
  type LogLine,
  openMessaging,
  openMetrics,
  planConnector,
  runningConnector,
  type SinkStatus,
} from '../src/index.ts'
import { connectorEntries, tgz } from './archive/make-archive.ts'
import { eventually } from './task/harness.ts'

/** A sink that does, once for each record `hang`, `loop`, `slow`, `block`, `pause` or `retry`, what it is told; others it writes. */
const CODE = `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
const BRAND = Symbol.for('pulsar-io.connector-error')
const error = (retry, more) => Object.assign(new Error(retry), { [BRAND]: true, code: 'PIO_TEST', retry, ...more })
export default {
  kind: 'sink', apiLevel: 1, name: 'tiny', summary: 'Probe.', delivery: 'at-least-once', settles: 'write', batched: false,
  batchPolicy: () => ({ maxDelayMs: 1 }), jsonSchema: () => ({ properties: {} }), parse: config => ({ ok: true, config }),
  create: () => {
    let config
    let context
    return {
      open(given, with_) { [config, context] = [given, with_] },
      async write(record) {
        const text = Buffer.from(record.value).toString()
        if (text.startsWith('slow')) await new Promise(resolve => setTimeout(resolve, 250))
        if (text.startsWith('slow') || existsSync(config.done)) return appendFileSync(config.file, text + '\\n')
        if (text !== 'block') writeFileSync(config.done, '')
        if (text === 'hang') await new Promise(() => undefined)
        if (text === 'loop') for (;;) ;
        if (text === 'block') throw error('block')
        if (text === 'retry') throw error('retry', { retryAfterMs: 3_600_000 })
        if (text === 'pause') context.pause()
        appendFileSync(config.file, text + '\\n')
      },
      close() {},
    }
  },
}
`

/** Long enough for an instance on a busy machine to tell how it is, short enough for a test. */
const STUCK_AFTER_MS = 1_000

let folder: string
let hosted: HostedInstance[]
let logs: LogLine[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pio-stuck-'))
  hosted = []
  logs = []
  writeFileSync(path('tiny.tgz'), tgz(connectorEntries({ files: { 'dist/index.js': CODE } })))
})
afterEach(async () => {
  await Promise.all(hosted.map(each => each.stop(100)))
  rmSync(folder, { recursive: true, force: true })
})

const path = (name: string) => join(folder, name)
const written = () => readFileSync(path('out'), 'utf8').trim().split('\n')
const found = () => logs.filter(({ fields }) => fields?.code === 'PIO_STUCK' && fields.inFlight !== undefined)

async function plan(customRuntimeOptions?: string) {
  const { resolved } = await fetchArchive(path('tiny.tgz'), { cacheDir: path('cache') })
  const configs = { file: path('out'), done: path('done') }
  const config = {
    name: 's',
    inputs: ['in'],
    sourceSubscriptionPosition: 'Earliest',
    configs,
    ...(customRuntimeOptions === undefined ? {} : { customRuntimeOptions }),
  }
  const spec = { kind: 'sink', config } as ConnectorSpec
  return planConnector(spec, { messaging: { url: `embedded:${path('data')}` } }, resolved)
}

/** A sink with these messages before it. */
async function sinkOf(
  messages: readonly string[],
  isolation: Isolation,
  stuckAfterMs = STUCK_AFTER_MS,
  customRuntimeOptions?: string,
) {
  const client = await openMessaging({ url: `embedded:${path('data')}` })
  await (await client.createProducer({ topic: 'in' })).send(messages.map(text => ({ payload: Buffer.from(text) })))
  await client.close()
  const one = hostInstance(await plan(customRuntimeOptions), 0, {
    isolation,
    restart: { minDelayMs: 10, maxDelayMs: 50, stuckAfterMs },
    log: line => logs.push(line),
  })
  hosted.push(one)
  await one.opened
  return one
}

/** Resolves after several times the limit. */
const severalLimits = () => new Promise(resolve => setTimeout(resolve, 2 * STUCK_AFTER_MS))

describe('an instance that has work and does nothing', () => {
  it.each<Isolation>(['thread', 'inline'])('is started anew when a write hangs for ever (%s)', async isolation => {
    const one = await sinkOf(['hang', 'b'], isolation)
    await eventually(() => one.snapshot().written === 2)
    expect(written()).toEqual(['hang', 'b'])
    expect(one.snapshot()).toMatchObject({
      state: 'running',
      stuck: 1,
      restarts: 1,
      latestSystemErrors: [
        {
          code: 'PIO_STUCK',
          message: expect.stringMatching(
            /^no progress for 1 s: the connector has not ended a write \([12] records in flight\)$/,
          ),
        },
      ],
    })
    expect(found()).toHaveLength(1)
    const status = connectorStatus('sink', [one.snapshot()], 'w') as SinkStatus
    expect(status.instances[0]?.status).toMatchObject({ numStuck: 1, numRestarts: 1, running: true })
    const planned = await plan()
    const metrics = await openMetrics(() => [runningConnector(planned, () => [one.snapshot()], 'w')])
    expect(await metrics.text()).toMatch(/pulsar_sink_stuck_total\{[^}]*} 1/)
    metrics.close()
  })

  it('is started anew after the time of its connector, which goes before that of its host', async () => {
    const one = await sinkOf(['hang', 'b'], 'inline', 0, '{"stuckTimeout": "1s"}')
    await eventually(() => one.snapshot().written === 2)
    expect(one.snapshot()).toMatchObject({ stuck: 1, restarts: 1 })
    expect(found()[0]?.fields?.reason).toContain('no progress for 1 s')
  })

  it.each<Isolation>(['thread', 'process'])('is killed when its code loops for ever (%s)', async isolation => {
    const one = await sinkOf(['loop', 'b'], isolation)
    await eventually(() => one.snapshot().written === 2)
    expect(one.snapshot()).toMatchObject({ stuck: 1, restarts: 1 })
    expect(found()[0]?.fields?.reason).toContain('it does not answer')
  })
})

describe('an instance that waits on purpose is left alone:', () => {
  it('while the external system refuses it', async () => {
    const one = await sinkOf(['block', 'b'], 'inline')
    await eventually(() => one.snapshot().state === 'blocked')
    await severalLimits()
    expect(one.snapshot()).toMatchObject({ state: 'blocked', stuck: 0, restarts: 0 })
  })

  it('while it waits for a retry', async () => {
    const one = await sinkOf(['retry', 'b'], 'inline')
    await eventually(() => one.snapshot().retried === 1)
    await severalLimits()
    expect(one.snapshot()).toMatchObject({ state: 'running', stuck: 0, inFlight: 1 })
  })

  it('while it is paused', async () => {
    const one = await sinkOf(['pause'], 'inline')
    await eventually(() => one.snapshot().written === 1)
    const client = await openMessaging({ url: `embedded:${path('data')}` })
    await (await client.createProducer({ topic: 'in' })).send([{ payload: Buffer.from('b') }])
    await client.close()
    await severalLimits()
    expect(one.snapshot().stuck).toBe(0)
  })

  it('while nothing waits for it', async () => {
    const one = await sinkOf(['a'], 'inline')
    await eventually(() => one.snapshot().written === 1)
    await severalLimits()
    expect(one.snapshot()).toMatchObject({ written: 1, stuck: 0, lag: 0 })
  })

  it('while each record takes its time, as long as one after the other gets through', async () => {
    const many = Array.from({ length: 16 }, (_, i) => `slow${i}`)
    const one = await sinkOf(many, 'inline')
    await eventually(() => one.snapshot().written === many.length)
    expect(one.snapshot().stuck).toBe(0)
  })

  it.each([
    ['for all', 0, undefined],
    ['for its connector', STUCK_AFTER_MS, '{"stuckTimeout": "0"}'],
  ])('where it is switched off %s', async (_, forAll, own) => {
    const one = await sinkOf(['hang'], 'inline', forAll, own)
    await eventually(() => one.snapshot().inFlight === 1)
    await severalLimits()
    expect(one.snapshot()).toMatchObject({ state: 'running', stuck: 0, inFlight: 1 })
  })
})
