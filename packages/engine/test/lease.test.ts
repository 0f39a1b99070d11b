import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  fetchArchive,
  type HostedInstance,
  hostInstance,
  InstanceLease,
  openMessaging,
  planConnector,
} from '../src/index.ts'
import { connectorEntries, tgz } from './archive/make-archive.ts'
import { eventually } from './task/harness.ts'

/** A sink that appends to a file, and never comes back from a record `stick`. */
const CODE = `
import { appendFileSync } from 'node:fs'
export default {
  kind: 'sink', apiLevel: 1, name: 'tiny', summary: 'Probe.', delivery: 'at-least-once', settles: 'write', batched: true,
  batchPolicy: () => ({ maxDelayMs: 1 }), jsonSchema: () => ({}),
  parse: config => ({ ok: true, config }),
  create: () => {
    let config
    return {
      open(given) { config = given },
      write(records) {
        for (const { value } of records) {
          const text = Buffer.from(value).toString()
          appendFileSync(config.file, text + '\\n')
          while (text === 'stick');
        }
      },
      close() {},
    }
  },
}
`

let folder: string
let hosted: HostedInstance[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pio-lease-'))
  hosted = []
  writeFileSync(path('tiny.tgz'), tgz(connectorEntries({ files: { 'dist/index.js': CODE } })))
})
afterEach(async () => {
  await Promise.all(hosted.map(each => each.stop(0, 0)))
  rmSync(folder, { recursive: true, force: true })
})

const path = (name: string) => join(folder, name)
const written = () => (existsSync(path('out')) ? readFileSync(path('out'), 'utf8') : '')

async function produce(...texts: readonly string[]): Promise<void> {
  const client = await openMessaging({ url: `embedded:${path('data')}` })
  await (await client.createProducer({ topic: 'in' })).send(texts.map(text => ({ payload: Buffer.from(text) })))
  await client.close()
}

async function host(isolation: 'thread' | 'process', lease: InstanceLease): Promise<HostedInstance> {
  const { resolved } = await fetchArchive(path('tiny.tgz'), { cacheDir: path('cache') })
  const config = {
    name: 's',
    inputs: ['in'],
    sourceSubscriptionPosition: 'Earliest' as const,
    configs: { file: path('out') },
  }
  const plan = await planConnector(
    { kind: 'sink', config },
    { messaging: { url: `embedded:${path('data')}` } },
    resolved,
  )
  const one = hostInstance(plan, 0, { isolation, lease, log: () => undefined })
  hosted.push(one)
  await one.opened
  return one
}

describe.each(['thread', 'process'] as const)('an instance in a %s', isolation => {
  it('writes while its lease goes on, and not a moment longer', async () => {
    const lease = new InstanceLease()
    lease.renew(60_000)
    const one = await host(isolation, lease)
    await produce('a')
    await eventually(() => written() === 'a\n')
    lease.renew(0)
    await produce('b')
    await eventually(() => one.snapshot().inFlight === 1)
    expect(written()).toBe('a\n')
    lease.renew(60_000)
    await eventually(() => written() === 'a\nb\n')
  })

  it('that hangs is ended in the time that there is, also when that gets shorter', async () => {
    const one = await host(isolation, new InstanceLease())
    await produce('stick')
    await eventually(() => written() === 'stick\n')
    const stopping = one.stop(60_000)
    await one.stop(60_000, 100)
    await stopping
    expect(one.snapshot().state).toBe('stopped')
  })
})
