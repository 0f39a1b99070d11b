import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fetchArchive } from '../src/archive/index.ts'
import { type ConnectorSpec, hostInstance, type Isolation, planConnector } from '../src/index.ts'
import { nicenessOf } from '../src/instance/processor-share.ts'
import { connectorEntries, tgz } from './archive/make-archive.ts'
import { eventually } from './task/harness.ts'

/** A sink that tells the nice value it runs with. */
const SINK = `
import { writeFileSync } from 'node:fs'
import { getPriority } from 'node:os'
export default {
  kind: 'sink', apiLevel: 1, name: 'tiny', summary: 'Probe.', delivery: 'at-least-once', settles: 'write', batched: true,
  batchPolicy: () => ({ maxDelayMs: 1 }), jsonSchema: () => ({ properties: {} }), parse: config => ({ ok: true, config }),
  create: () => ({ open({ file }) { writeFileSync(file, getPriority() + '.') }, write() {}, close() {} }),
}
`

const usual = getPriority()
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pio-share-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** How much nicer a sink is that asks for `cpu`, and what the runtime warned of. */
async function opened(isolation: Isolation, cpu: number): Promise<{ nicer: number; warnings: readonly string[] }> {
  const path = (name: string) => join(folder, name)
  const facts = { export: 'default', summary: 'Probe.', configSchema: {}, delivery: 'at-least-once' }
  const manifest = { kinds: ['sink'], sink: facts }
  writeFileSync(path('tiny.tgz'), tgz(connectorEntries({ files: { 'dist/index.js': SINK }, manifest })))
  const { resolved } = await fetchArchive(path('tiny.tgz'), { cacheDir: path('cache') })
  const config = { name: 's', inputs: ['in'], configs: { file: path('nice') }, resources: { cpu } }
  const spec: ConnectorSpec = { kind: 'sink', config }
  const plan = await planConnector(spec, { messaging: { url: `embedded:${path('data')}` } }, resolved)
  const warnings: string[] = []
  const one = hostInstance(plan, 0, {
    isolation,
    log: ({ level, message }) => {
      if (level === 'warn') warnings.push(message)
    },
  })
  try {
    await eventually(() => existsSync(path('nice')) && readFileSync(path('nice'), 'utf8').endsWith('.'))
    return { nicer: Number(readFileSync(path('nice'), 'utf8')) - usual, warnings }
  } finally {
    await one.stop(1_000)
  }
}

describe('resources.cpu', () => {
  it('below one core is a nice value by the weights of the scheduler', () => {
    expect([4, 1, 0.8, 0.5, 0.25, 0.1, 0.01, 0].map(nicenessOf)).toEqual([0, 0, 1, 3, 6, 10, 19, 19])
  })

  it('is the share of an instance in a process of its own, and of nobody else', async () => {
    expect(await opened('process', 0.5)).toEqual({ nicer: 3, warnings: [] })
    expect(getPriority()).toBe(usual)
  })

  it.runIf(process.platform === 'linux')('is the share of an instance in a thread, and of nobody else', async () => {
    expect(await opened('thread', 0.25)).toEqual({ nicer: 6, warnings: [] })
    expect(getPriority()).toBe(usual)
  })

  it('says that it has no effect where instances share a thread', async () => {
    const { nicer, warnings } = await opened('inline', 0.5)
    expect(nicer).toBe(0)
    expect(warnings).toEqual([expect.stringContaining('resources.cpu has no effect')])
  })
})
