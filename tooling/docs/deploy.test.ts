import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { RunningConnector } from '../../packages/engine/src/api.ts'
import { metricFamilies } from '../../packages/engine/src/metrics/families.ts'
import { emptySnapshot } from '../../packages/engine/src/snapshot.ts'
import { buildProgram } from '../../packages/runtime/src/program.ts'

const DEPLOY = join(import.meta.dirname, '..', '..', 'docs', 'deploy')
const read = (name: string) => readFile(join(DEPLOY, name), 'utf8')

/** Flags of `runtime worker`. */
const flags = (buildProgram().command.commands.find(each => each.name() === 'worker')?.options ?? []).map(
  ({ long }) => long,
)

describe('files to deploy with', () => {
  it('show metrics that there are', async () => {
    const metrics = new Set(['process_resident_memory_bytes'])
    for (const kind of ['sink', 'source'] as const) {
      const one = { kind, fqn: 'a/b/c', tenant: 'a', namespace: 'b', name: 'c', topics: [] }
      const connector = { ...one, snapshots: () => [{ ...emptySnapshot(0), lag: 1 }] } as unknown as RunningConnector
      for (const { name, type } of metricFamilies([connector], (_, now) => now))
        metrics.add(type === 'histogram' ? `${name}_bucket` : name)
    }
    const dashboard = await read('grafana-dashboard.json')
    const { panels } = JSON.parse(dashboard) as { panels: { targets: { expr: string }[] }[] }
    const asked = panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) => expr.match(/(pulsar|process)_\w+/g) ?? []),
    )
    expect(asked.length).toBeGreaterThan(10)
    expect(asked.filter(name => !metrics.has(name))).toEqual([])
  })

  it('start a worker with flags that it has', async () => {
    expect(flags.length).toBeGreaterThan(10)
    for (const name of ['kubernetes.yaml', 'pulsar-io-worker.service', 'Containerfile']) {
      const given = (await read(name)).match(/(?<=[\s"])--[a-z][a-z-]+(?=[= "])/g) ?? []
      const others = ['--omit', '--ignore-scripts', '--no-audit', '--no-fund', '--force', '--from']
      expect(
        given.filter(flag => !flags.includes(flag) && !others.includes(flag)),
        name,
      ).toEqual([])
    }
  })

  it('give the allocator what a worker would start anew for', async () => {
    const command = await readFile(new URL('../../packages/runtime/bin/runtime.js', import.meta.url), 'utf8')
    const wanted = [...command.matchAll(/(MALLOC_\w+): '(\w+)'/g)].map(([, name, value]) => `${name}=${value}`)
    expect(wanted.length).toBe(2)
    for (const file of ['pulsar-io-worker.service', 'Containerfile']) {
      const text = await read(file)
      expect(wanted.filter(each => !text.includes(each))).toEqual([])
    }
  })

  it('hold objects of Kubernetes that belong together', async () => {
    const objects = parseAllDocuments(await read('kubernetes.yaml')).map(each => {
      expect(each.errors).toEqual([])
      return each.toJS() as { kind: string; spec: { selector: { matchLabels?: object; app?: string } } }
    })
    expect(objects.map(({ kind }) => kind)).toEqual(['StatefulSet', 'Service', 'PodDisruptionBudget'])
    for (const { spec } of objects)
      expect(spec.selector.matchLabels ?? spec.selector).toEqual({ app: 'pulsar-io-worker' })
  })
})
