import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  checkOptions,
  fetchArchive,
  type HostedInstance,
  hostInstance,
  type Isolation,
  type LogLine,
  openMessaging,
  openMetrics,
  planConnector,
  runningConnector,
} from '../src/index.ts'
import { connectorEntries, tgz } from './archive/make-archive.ts'
import { eventually } from './task/harness.ts'

/** A sink that refuses to open while the file `refuse` is there, and whose code loops for ever on the option `loop`. */
const CODE = `
import { appendFileSync, existsSync } from 'node:fs'
const BRAND = Symbol.for('pulsar-io.connector-error')
export default {
  kind: 'sink', apiLevel: 1, name: 'tiny', summary: 'Probe.', delivery: 'at-least-once', settles: 'write', batched: true,
  batchPolicy: () => ({ maxDelayMs: 1 }), jsonSchema: () => ({ properties: { password: {} } }),
  parse: config => {
    if (config.die) process.exit(3)
    return config.password ? { ok: true, config } : { ok: false, problems: [{ path: 'password', message: 'required' }] }
  },
  create: () => {
    let config
    return {
      open(given) {
        config = given
        if (existsSync(config.refuse)) throw Object.assign(new Error('refused'), { [BRAND]: true, code: 'PIO_CONFIG', retry: 'stop' })
      },
      write(records) { appendFileSync(config.file, records.map(({ value }) => Buffer.from(value).toString() + '\\n').join('')) },
      close() {},
    }
  },
}
`

let folder: string
let hosted: HostedInstance[]
let logs: LogLine[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pio-host-'))
  hosted = []
  logs = []
  writeFileSync(path('tiny.tgz'), tgz(connectorEntries({ files: { 'dist/index.js': CODE } })))
})
afterEach(async () => {
  await Promise.all(hosted.map(each => each.stop(1_000)))
  rmSync(folder, { recursive: true, force: true })
})

const path = (name: string) => join(folder, name)
const archive = async () => (await fetchArchive(path('tiny.tgz'), { cacheDir: path('cache') })).resolved

async function plan(parallelism = 1) {
  const configs = { file: path('out'), refuse: path('refuse'), password: 'x' }
  const config = { name: 's', inputs: ['in'], sourceSubscriptionPosition: 'Earliest' as const, parallelism, configs }
  return planConnector({ kind: 'sink', config }, { messaging: { url: `embedded:${path('data')}` } }, await archive())
}

async function host(instanceId: number, parallelism = 1, isolation: Isolation = 'inline') {
  const one = hostInstance(await plan(parallelism), instanceId, {
    isolation,
    restart: { minDelayMs: 10, maxDelayMs: 50, failedRetryMs: 20 },
    log: line => logs.push(line),
  })
  hosted.push(one)
  return one
}

describe('a hosted instance', () => {
  it('that failed for good says why, and runs as soon as what it failed for is put right', async () => {
    writeFileSync(path('refuse'), '')
    const one = await host(0)
    await eventually(() => one.snapshot().state === 'failed')
    expect(one.snapshot()).toMatchObject({
      reason: 'refused',
      latestSystemErrors: [{ message: 'refused', code: 'PIO_CONFIG' }, ...[]],
    })
    rmSync(path('refuse'))
    await eventually(() => one.snapshot().state === 'running')
    await one.opened
  })

  it('stops alone, while its sibling goes on', async () => {
    const [first, second] = [await host(0, 2), await host(1, 2)]
    await Promise.all([first.opened, second.opened])
    await first.stop(1_000)
    expect(first.snapshot().state).toBe('stopped')
    const client = await openMessaging({ url: `embedded:${path('data')}` })
    await (await client.createProducer({ topic: 'in' })).send([{ payload: Buffer.from('a') }])
    await client.close()
    await eventually(() => existsSync(path('out')))
    expect(readFileSync(path('out'), 'utf8')).toBe('a\n')
    await eventually(() => second.snapshot().written === 1)
  })

  it('that waits for its next try stops at once', async () => {
    writeFileSync(path('refuse'), '')
    const one = hostInstance(await plan(), 0, {
      isolation: 'inline',
      restart: { failedRetryMs: 600_000 },
      log: () => undefined,
    })
    await eventually(() => one.snapshot().state === 'failed')
    await one.stop(1_000)
    expect(one.snapshot().state).toBe('stopped')
  })

  it('has to be one of its connector', async () => {
    const planned = await plan()
    expect(() => hostInstance(planned, 1, { log: () => undefined })).toThrow(RangeError)
  })

  it('has metrics', async () => {
    const one = await host(0)
    await one.opened
    const planned = await plan()
    const metrics = await openMetrics(() => [runningConnector(planned, () => [one.snapshot()], 'w')])
    expect(await metrics.text()).toContain(
      'pulsar_sink_up{tenant="public",namespace="public/default",name="s",instance_id="0"',
    )
    metrics.close()
  })
})

describe('the options of a connector', () => {
  const check = async (configs: { readonly [name: string]: unknown }, secrets?: { readonly [name: string]: unknown }) =>
    checkOptions({ archive: await archive(), kind: 'sink', configs, secrets })

  it('are checked by its code, in a thread of its own', async () => {
    expect(await check({ password: 'x' })).toEqual([])
    expect(await check({})).toEqual([{ path: 'password', message: 'required' }])
  })

  it('may come from secrets', async () => {
    expect(await check({}, { password: { env: 'NAME' } })).toEqual([])
  })

  it('cannot end the process', async () => {
    await expect(check({ die: true })).rejects.toMatchObject({ code: 'PIO_CHECK', retry: 'stop' })
  })
})
