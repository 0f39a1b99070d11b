import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { adminOf, type ClusterService, clusterFlags, freshNamespace, pulsar } from '../support/pulsar.ts'
import { type Workspace, workspace } from '../support/workspace.ts'

const sinkOf = (topic: string, ...flags: readonly string[]) => [
  ...[
    'sinks',
    'localrun',
    '--archive',
    'connectors/file.tgz',
    '--inputs',
    topic,
    '--sink-config',
    '{"path":"out.ndjson"}',
  ],
  ...['--subs-position', 'Earliest', '--exit-when-idle', '2s', ...clusterFlags, ...flags],
]

const sourceOf = (topic: string, ...flags: readonly string[]) => [
  ...['sources', 'localrun', '--archive', 'connectors/file.tgz', '--destination-topic-name', topic],
  ...['--source-config', '{"path":"in.txt"}', '--exit-when-idle', '2s', ...clusterFlags, ...flags],
]

const written = async (user: Workspace): Promise<readonly string[]> =>
  (await readFile(user.path('out.ndjson'), 'utf8')).split('\n').slice(0, -1)

function available(): ClusterService {
  if (!pulsar.available) throw new Error(pulsar.reason)
  return pulsar
}

describe.skipIf(!pulsar.available)('connectors on Apache Pulsar', { timeout: 120_000 }, () => {
  it('move records out of a topic, once each under EFFECTIVELY_ONCE, run by run', async () => {
    const user = await workspace()
    const topic = `persistent://${await freshNamespace({})}/out`
    const lines = Array.from({ length: 1000 }, (_, n) => `{"n":${n}}`)
    const sink = sinkOf(topic, '--processing-guarantees', 'EFFECTIVELY_ONCE')
    await user.produce(topic, lines.slice(0, 600), clusterFlags)
    expect(await user.run(sink)).toMatchObject({ code: 0, summary: { recordsIn: 600, recordsOut: 600 } })
    await user.produce(topic, lines.slice(600), clusterFlags)
    expect(await user.run(sink)).toMatchObject({ code: 0, summary: { recordsIn: 400, recordsOut: 400 } })
    expect(await written(user)).toEqual(lines)
  })

  it('move records into a topic and go on where they stopped', async () => {
    const user = await workspace()
    const topic = `persistent://${await freshNamespace({ deduplication: true })}/in`
    const source = sourceOf(topic, '--processing-guarantees', 'EFFECTIVELY_ONCE')
    await user.file('in.txt', 'a\nb\n')
    expect(await user.run(source)).toMatchObject({ code: 0, summary: { recordsIn: 2, recordsOut: 2 } })
    await user.file('in.txt', 'a\nb\nc\n')
    expect(await user.run(source)).toMatchObject({ code: 0, summary: { recordsIn: 1, recordsOut: 1 } })
    const consumed = await user.run(['topics', 'consume', topic, ...clusterFlags])
    expect(consumed).toMatchObject({ code: 0, stdout: 'a\nb\nc\n' })
  })

  it('pack what they publish as producerConfig says', async () => {
    const user = await workspace()
    const namespace = await freshNamespace({})
    await user.file('in.txt', `${'text that compresses well '.repeat(40)}\n`.repeat(1000))
    const stored = async (name: string, config: object) => {
      const flags = ['--name', name, '--producer-config', JSON.stringify(config)]
      const ended = await user.run(sourceOf(`persistent://${namespace}/${name}`, ...flags))
      expect(ended, ended.stderr).toMatchObject({ code: 0, summary: { recordsOut: 1000 } })
      const path = `persistent/${namespace}/${name}/internalStats`
      return (await adminOf(available())('GET', path)) as { numberOfEntries: number; totalSize: number }
    }
    const plain = await stored('plain', {})
    const alone = await stored('alone', { batchingConfig: { enabled: false } })
    const small = await stored('small', { compressionType: 'ZSTD' })
    expect(plain.totalSize).toBeGreaterThan(1_000_000)
    expect(plain.numberOfEntries).toBeLessThan(100)
    expect(alone.numberOfEntries).toBe(1000)
    expect(small.totalSize).toBeLessThan(plain.totalSize / 10)
  })

  it('refuse EFFECTIVELY_ONCE where the topic does not deduplicate, and say how to change that', async () => {
    const user = await workspace()
    const namespace = await freshNamespace({})
    await user.file('in.txt', 'a\n')
    const flags = ['--processing-guarantees', 'EFFECTIVELY_ONCE']
    const { code, stderr } = await user.run(sourceOf(`persistent://${namespace}/in`, ...flags))
    expect(stderr).toContain('PIO_DEDUPLICATION_OFF')
    expect(stderr).toContain(`pulsar-admin namespaces set-deduplication --enable ${namespace}`)
    expect(code).toBe(2)
  })

  it('say which broker is not there', async () => {
    const user = await workspace()
    const flags = ['--broker-service-url', 'pulsar://127.0.0.1:9']
    const { code, stderr } = await user.run(sinkOf('t', ...flags))
    expect(stderr).toMatch(/127\.0\.0\.1:9/)
    expect(code).toBe(4)
  })

  it('name a namespace that is missing', async () => {
    const user = await workspace()
    const { code, stderr } = await user.run(sinkOf('persistent://public/not-there/t'))
    expect(stderr).toMatch(/public\/not-there/)
    expect(code).toBeGreaterThan(0)
  })
})
