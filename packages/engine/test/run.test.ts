import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ConnectorSpec, Isolation, LogLine, Run, RunOptions } from '../src/index.ts'
import { openMessaging, serveMetrics, startConnectors } from '../src/index.ts'
import { connectorEntries, tgz } from './archive/make-archive.ts'
import { eventually } from './task/harness.ts'

/**
 * A connector without any SDK, as an archive may well be: the sink appends values to `file`; a line in `orders` makes it
 * misbehave once. The source counts to `end`.
 */
const PROBE = `
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
const BRAND = Symbol.for('pulsar-io.connector-error')
const branded = (code, retry, message) => Object.assign(new Error(message), { [BRAND]: true, code, retry })
const LASTING = ['away', 'broken', 'slow']
const order = (config, name) => {
  if (!config.orders || !existsSync(config.orders) || !readFileSync(config.orders, 'utf8').includes(name)) return false
  if (!LASTING.includes(name)) rmSync(config.orders)
  return true
}
const common = { apiLevel: 1, name: 'tiny', summary: 'Probe.', jsonSchema: () => ({}), parse: config => ({ ok: true, config }) }
export const sink = {
  ...common, kind: 'sink', delivery: 'at-least-once', settles: 'write', batched: true, batchPolicy: () => ({ maxDelayMs: 1 }),
  create: () => {
    let config
    return {
      open(given, context) {
        config = given
        context.logger.info('the password is ' + given.password)
        if (order(config, 'away')) throw branded('PIO_PROBE_AWAY', 'reconnect', 'the probe is away')
        if (order(config, 'forgotten')) setInterval(() => appendFileSync(config.orders.replace('orders', 'ticks'), '.'), 5)
      },
      async write(records) {
        if (order(config, 'bug') || order(config, 'broken')) throw new TypeError('a bug in the probe')
        if (order(config, 'die')) process.kill(process.pid, 'SIGKILL')
        if (order(config, 'exit')) process.exit(7)
        if (order(config, 'slow')) await new Promise(resolve => setTimeout(resolve, 5))
        appendFileSync(config.file, records.map(({ value }) => Buffer.from(value).toString() + '\\n').join(''))
      },
      close() {},
    }
  },
}
export const source = {
  ...common, kind: 'source', delivery: 'at-least-once', style: 'pull', schema: () => ({ type: 'STRING' }),
  create: () => {
    let next = 0
    let end = 0
    return { open(config) { end = config.end }, async read() { return next < end ? { value: 'v' + next++ } : null }, close() {} }
  },
}
`

let folder: string
let runs: Run[]
let logs: LogLine[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pio-run-'))
  runs = []
  logs = []
  const entries = connectorEntries({
    files: { 'dist/index.js': PROBE },
    manifest: {
      kinds: ['sink', 'source'],
      sink: {
        export: 'sink',
        summary: 'Probe.',
        configSchema: { properties: { password: { writeOnly: true } } },
        delivery: 'at-least-once',
      },
      source: { export: 'source', summary: 'Probe.', configSchema: {}, delivery: 'at-least-once' },
    },
  })
  writeFileSync(join(folder, 'tiny.tgz'), tgz(entries))
})

afterEach(async () => {
  await Promise.all(runs.map(run => run.stop()))
  rmSync(folder, { recursive: true, force: true })
})

const path = (name: string) => join(folder, name)
const lines = () => (existsSync(path('out')) ? readFileSync(path('out'), 'utf8').trimEnd().split('\n') : [])

function sink(overrides: object = {}): ConnectorSpec {
  const configs = { file: path('out'), orders: path('orders'), password: 'hunter2' }
  return {
    kind: 'sink',
    config: {
      archive: path('tiny.tgz'),
      name: 'sink',
      inputs: ['in'],
      sourceSubscriptionPosition: 'Earliest',
      configs,
      ...overrides,
    },
  }
}

async function start(specs: readonly ConnectorSpec[], options: Partial<RunOptions> = {}): Promise<Run> {
  const run = await startConnectors(specs, {
    messaging: { url: `embedded:${path('data')}` },
    cacheDir: path('cache'),
    // The quickest; what isolation changes is tested for all three.
    isolation: 'inline',
    restart: { minDelayMs: 10, maxDelayMs: 50 },
    ...options,
    log: line => logs.push(line),
  })
  runs.push(run)
  return run
}

async function produce(...values: string[]): Promise<void> {
  const client = await openMessaging({ url: `embedded:${path('data')}` })
  const producer = await client.createProducer({ topic: 'in' })
  await producer.send(values.map(value => ({ payload: Buffer.from(value) })))
  await client.close()
}

const state = (run: Run) => run.connectors[0]?.snapshots()[0]?.state

describe.each<Isolation>(['inline', 'thread', 'process'])('isolation %s', isolation => {
  it('moves records, reports numbers and stops in good order', async () => {
    await produce('a', 'b')
    const run = await start([sink()], { isolation })
    await eventually(() => run.connectors[0]?.snapshots()[0]?.written === 2)
    expect(run.connectors[0]?.status()).toMatchObject({
      numInstances: 1,
      numRunning: 1,
      instances: [{ status: { running: true, numReadFromPulsar: 2, numWrittenToSink: 2 } }],
    })
    expect(await run.stop()).toMatchObject({ reason: 'stopped', recordsIn: 2, recordsOut: 2, undrained: 0 })
    expect(lines()).toEqual(['a', 'b'])
  })

  it('starts an instance again after a bug, and loses nothing', async () => {
    await produce('a', 'b', 'c')
    writeFileSync(path('orders'), 'bug')
    const run = await start([sink()], { isolation })
    await eventually(() => run.connectors[0]?.snapshots()[0]?.written === 3)
    expect(lines()).toHaveLength(3)
    const [snapshot] = run.connectors[0]?.snapshots() ?? []
    expect(snapshot).toMatchObject({ restarts: 1, written: 3 })
    expect(logs).toContainEqual(
      expect.objectContaining({
        level: 'error',
        message: 'the instance crashed; starting it again',
        fields: expect.objectContaining({ reason: 'a bug in the probe' }),
      }),
    )
  })

  it('never lets a secret into the log', async () => {
    await start([sink()], { isolation })
    expect(logs.map(({ message }) => message)).toContain('the password is ***')
    expect(JSON.stringify(logs)).not.toContain('hunter2')
  })
})

describe('a process of its own', () => {
  it.each([
    ['die', /ended by SIGKILL/],
    ['exit', /ended by itself with code 7/],
  ])('that goes without a word (%s) is started again, and loses nothing', async (how, reason) => {
    await produce('a', 'b', 'c')
    writeFileSync(path('orders'), how)
    await start([sink()], { isolation: 'process' })
    await eventually(() => lines().length === 3)
    expect(logs.find(({ level }) => level === 'error')?.fields).toMatchObject({ reason: expect.stringMatching(reason) })
  })
})

describe('a run', () => {
  it('fails at once when a system is away at the first open, with everything closed again', async () => {
    writeFileSync(path('orders'), 'away')
    await expect(start([sink()])).rejects.toMatchObject({
      code: 'PIO_PROBE_AWAY',
      retry: 'reconnect',
      message: 'the probe is away',
    })
  })

  it('keeps to the log level when several instances fail together', async () => {
    writeFileSync(path('orders'), 'away')
    await expect(start([sink({ parallelism: 2 })])).rejects.toThrow('the probe is away')
    expect(logs.filter(({ level }) => level === 'debug')).toEqual([])
  })

  it('waits for it instead without failFast, and says so', async () => {
    await produce('a')
    writeFileSync(path('orders'), 'away')
    const run = await start([sink()], { failFast: false })
    await eventually(() => state(run) === 'reconnecting')
    rmSync(path('orders'))
    await eventually(() => lines().length === 1)
    expect(state(run)).toBe('running')
  })

  it('shows a crash loop, and gives up where it is told to', async () => {
    await produce('a')
    writeFileSync(path('orders'), 'broken')
    const run = await start([sink()], {
      restart: { minDelayMs: 100, maxDelayMs: 100, crashLoopAfter: 2, giveUpAfter: 4 },
    })
    await eventually(() => state(run) === 'crash-loop')
    expect(await run.done).toMatchObject({ reason: 'failed', error: { message: 'a bug in the probe' } })
    expect(run.connectors[0]?.status()).toMatchObject({
      numRunning: 0,
      instances: [{ status: { running: false, error: 'a bug in the probe' } }],
    })
  })

  it('does not take a crash loop for a recovery because the clock jumped ahead', async () => {
    const now = Date.now.bind(Date)
    let ahead = 0
    // Whoever looks sees it an hour later.
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => {
      ahead += 3_600_000
      return now() + ahead
    })
    onTestFinished(() => clock.mockRestore())
    await produce('a')
    writeFileSync(path('orders'), 'broken')
    const run = await start([sink()], {
      restart: { minDelayMs: 10, maxDelayMs: 10, crashLoopAfter: 2, giveUpAfter: 3 },
    })
    expect(await run.done).toMatchObject({ reason: 'failed', error: { message: 'a bug in the probe' } })
  })

  it('gives the connection back when a store does not open, and tells why once', async () => {
    const probe = await openMessaging({ url: `embedded:${path('log')}` })
    await probe.close()
    const client = Object.getPrototypeOf(probe)
    const close = vi.spyOn(client, 'close')
    const openStore = vi.spyOn(client, 'openStore').mockRejectedValue(new Error('no store today'))
    onTestFinished(() => [close, openStore].forEach(spy => void spy.mockRestore()))
    const source = {
      kind: 'source',
      config: { archive: path('tiny.tgz'), topicName: 'in', configs: { end: 7 } },
    } as const
    await expect(start([source], { isolation: 'inline' })).rejects.toThrow('no store today')
    expect(close).toHaveBeenCalledTimes(1)
    expect(logs.filter(({ message }) => message === 'closing failed')).toEqual([])
  })

  it('closes the connection when the store before it does not close, and says so', async () => {
    const probe = await openMessaging({ url: `embedded:${path('log')}` })
    await probe.close()
    const client = Object.getPrototypeOf(probe)
    const open = client.openStore
    const close = vi.spyOn(client, 'close')
    const openStore = vi.spyOn(client, 'openStore').mockImplementation(async function (this: unknown, name) {
      const store = await open.call(this, name)
      vi.spyOn(store, 'close').mockRejectedValue(new Error('no close today'))
      return store
    })
    onTestFinished(() => [close, openStore].forEach(spy => void spy.mockRestore()))
    const config = { archive: path('tiny.tgz'), topicName: 'in', configs: { end: 7 } }
    const run = await start([{ kind: 'source', config }], { isolation: 'inline' })
    expect(await run.done).toMatchObject({ reason: 'finished', recordsOut: 7 })
    expect(logs).toContainEqual(
      expect.objectContaining({ message: 'closing failed', fields: { reason: 'no close today' } }),
    )
    expect(close).toHaveBeenCalledTimes(1)
  })

  it.each<Isolation>(['thread', 'process'])(
    'ends a %s in which a connector has left something open',
    async isolation => {
      writeFileSync(path('orders'), 'forgotten')
      const run = await start([sink()], { isolation })
      await eventually(() => existsSync(path('ticks')))
      expect(await run.stop()).toMatchObject({ reason: 'stopped', undrained: 0 })
      // It may be about to write once more when it is ended.
      await sleep(50)
      const ticks = readFileSync(path('ticks'), 'utf8')
      await sleep(200)
      expect(readFileSync(path('ticks'), 'utf8')).toBe(ticks)
    },
  )

  it('finishes when its sources have reached their ends', async () => {
    const run = await start([
      { kind: 'source', config: { archive: path('tiny.tgz'), topicName: 'in', configs: { end: 7 } } },
    ])
    expect(await run.done).toMatchObject({ reason: 'finished', recordsIn: 7, recordsOut: 7 })
  })

  it('of a source and a sink ends when both have nothing to do any more', async () => {
    const source: ConnectorSpec = {
      kind: 'source',
      config: { archive: path('tiny.tgz'), topicName: 'in', configs: { end: 500 } },
    }
    const run = await start([source, sink()], { exitWhenIdleMs: 100 })
    expect(await run.done).toMatchObject({ reason: 'idle', deadLettered: 0, undrained: 0 })
    expect(lines()).toEqual(Array.from({ length: 500 }, (_, i) => `v${i}`))
  })

  it('spreads the records of a Shared subscription over its instances', async () => {
    writeFileSync(path('orders'), 'slow')
    const run = await start([sink({ parallelism: 2 })], { batch: { maxRecords: 1 } })
    await produce(...Array.from({ length: 40 }, (_, i) => `v${i}`))
    const counts = () => run.connectors[0]?.snapshots().map(snapshot => snapshot.written) ?? []
    await eventually(() => counts().reduce((sum, count) => sum + count, 0) === 40)
    const written = counts()
    expect(written).toHaveLength(2)
    expect(written.every(count => count > 0)).toBe(true)
  })

  it('refuses two connectors of one name', async () => {
    await expect(start([sink(), sink()])).rejects.toThrow(/two sinks are named public\/default\/sink/)
  })

  it('says of a field without effect why', async () => {
    await start([sink({ runtimeFlags: '-Xmx1g' })])
    expect(logs).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: 'runtimeFlags has no effect here: there is no JVM; use NODE_OPTIONS',
      }),
    )
  })

  it('publishes its log to the topic that is named', async () => {
    const run = await start([sink({ logTopic: 'logs' })])
    await run.stop()
    const client = await openMessaging({ url: `embedded:${path('data')}` })
    const reader = await client.createReader({ topic: 'logs' })
    const messages = await reader.read({ maxMessages: 100, timeoutMs: 5000 })
    await client.close()
    expect(messages.map(({ payload }) => JSON.parse(Buffer.from(payload ?? []).toString()).message)).toContain(
      'the password is ***',
    )
  })
})

describe('the metrics server', () => {
  it("tells Pulsar's metrics, the status and the health", async () => {
    await produce('a', 'b')
    const run = await start([sink()])
    await eventually(() => run.connectors[0]?.snapshots()[0]?.written === 2)
    const server = await serveMetrics(() => run.connectors, { port: 0 })
    try {
      const text = await (await fetch(`${server.url}/metrics`)).text()
      const labels =
        'tenant="public",namespace="public/default",name="sink",instance_id="0",cluster="local",fqfn="public/default/sink"'
      for (const line of [
        `pulsar_sink_received_total{${labels}} 2`,
        `pulsar_sink_written_total{${labels}} 2`,
        `pulsar_sink_written_1min_total{${labels}} 2`,
        `pulsar_sink_up{${labels}} 1`,
        `pulsar_sink_write_latency_seconds_count{${labels}} `,
        'process_resident_memory_bytes ',
      ]) {
        expect(text).toContain(line)
      }
      expect(text).toContain('# TYPE pulsar_sink_batch_size histogram')
      expect(await (await fetch(`${server.url}/status`)).json()).toMatchObject([
        { kind: 'sink', fqn: 'public/default/sink', numRunning: 1 },
      ])
      expect(await (await fetch(`${server.url}/healthz`)).text()).toBe('ok\n')
      expect((await fetch(`${server.url}/nothing`)).status).toBe(404)
    } finally {
      await server.close()
    }
  })

  it('names a port that is taken', async () => {
    const server = await serveMetrics(() => undefined, { port: 0 })
    const port = Number(new URL(server.url).port)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(503)
    await expect(serveMetrics(() => undefined, { port })).rejects.toMatchObject({
      code: 'PIO_PORT_IN_USE',
      message: expect.stringContaining(String(port)),
    })
    await server.close()
  })
})
