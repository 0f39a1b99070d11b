import { afterAll, describe, expect, it } from 'vitest'
import { clusterFlags, freshNamespace, pulsar } from '../../../../test/support/pulsar.ts'
import { numberedLines, random, tally } from '../../../../test/support/records.ts'
import { type Workspace, workspace } from '../../../../test/support/workspace.ts'
import { addressOf, colleague, readAll } from '../support.ts'

/** The `runtime` command with the packed archive: one configuration file for each pipeline. */
const client = pulsar.available ? await colleague(pulsar) : undefined
afterAll(() => client?.close())

const SEED = Number(process.env.GUARANTEE_SEED ?? Date.now() % 2 ** 31)

const CUSTOMERS = [
  { id: 1, name: 'Ann', email: 'ann@example.com', ssn: '123', address: { city: 'Berlin', street: 'Weg 1' } },
  { id: 2, name: 'Bob', email: 'bob@example.com', ssn: '456', address: { city: 'Kiel', street: 'Gang 2' } },
]
const CLEAN = [
  { id: 1, name: 'Ann', address: { city: 'Berlin' } },
  { id: 2, name: 'Bob', address: { city: 'Kiel' } },
]
const CONTACTS = [
  { id: 1, phone: '030 123456' },
  { id: 2, phone: '+44 20 7946 0018' },
]
const NORMALISED = [
  { id: 1, phone: '+4930123456' },
  { id: 2, phone: '+442079460018' },
]

const pipelines = [
  {
    name: 'removes personal data',
    transforms: [{ drop: ['email', 'ssn', 'address.street'] }],
    input: CUSTOMERS,
    output: CLEAN,
  },
  {
    name: 'normalises phone numbers',
    transforms: [{ phone: { fields: ['phone'], country: 'DE' } }],
    input: CONTACTS,
    output: NORMALISED,
  },
]

const lines = (values: readonly unknown[]): string[] => values.map(value => JSON.stringify(value))
const parsed = (found: readonly { readonly text: string | null }[]): unknown[] =>
  found.map(({ text }) => JSON.parse(text ?? 'null'))

describe.skipIf(!pulsar.available || !client)('the runtime with the pulsar connector', { timeout: 180_000 }, () => {
  if (!pulsar.available || !client) return
  const { serviceUrl, adminUrl } = addressOf(pulsar)

  const sinkFile = (user: Workspace, input: string, topic: string, more: object) =>
    user.file('pipeline.yaml', {
      archive: 'connectors/pulsar.tgz',
      name: 'pipeline',
      inputs: [input],
      sourceSubscriptionPosition: 'Earliest',
      configs: { serviceUrl, adminUrl, topic },
      ...more,
    })
  const sinkArgs = ['sinks', 'localrun', '--sink-config-file', 'pipeline.yaml', '--exit-when-idle', '2s']

  describe.each(pipelines)('$name', ({ transforms, input, output }) => {
    it('from the embedded log into a new topic', async () => {
      const user = await workspace()
      const topic = `persistent://${await freshNamespace({})}/out`
      await user.produce('in', lines(input))
      await sinkFile(user, 'in', topic, { transforms })
      const end = await user.run(sinkArgs)
      expect(end, end.stderr).toMatchObject({ code: 0, summary: { recordsIn: 2, recordsOut: 2, deadLettered: 0 } })
      expect(parsed(await readAll(client, topic))).toEqual(output)
    })

    it('from topic to topic in one cluster, EFFECTIVELY_ONCE', async () => {
      const user = await workspace()
      const namespace = await freshNamespace({})
      const [from, to] = [`persistent://${namespace}/in`, `persistent://${namespace}/out`]
      await user.produce(from, lines(input), clusterFlags)
      await sinkFile(user, from, to, { transforms, processingGuarantees: 'EFFECTIVELY_ONCE' })
      for (const out of [2, 0]) {
        const end = await user.run([...sinkArgs, ...clusterFlags])
        expect(end, end.stderr).toMatchObject({ code: 0, summary: { recordsOut: out, deadLettered: 0 } })
      }
      expect(parsed(await readAll(client, to))).toEqual(output)
    })

    it('as a source, from a topic into the embedded log', async () => {
      const user = await workspace()
      const from = `persistent://${await freshNamespace({})}/in`
      await user.produce(from, lines(input), clusterFlags)
      await user.file('pipeline.yaml', {
        archive: 'connectors/pulsar.tgz',
        name: 'pipeline',
        topicName: 'out',
        processingGuarantees: 'EFFECTIVELY_ONCE',
        configs: { serviceUrl, adminUrl, topics: [from], subscriptionInitialPosition: 'Earliest' },
        transforms,
      })
      const end = await user.run([
        'sources',
        'localrun',
        '--source-config-file',
        'pipeline.yaml',
        '--exit-when-idle',
        '2s',
      ])
      expect(end, end.stderr).toMatchObject({ code: 0, summary: { recordsOut: 2 } })
      const values = (await user.consume('out')).map(({ value }) =>
        typeof value === 'string' ? JSON.parse(value) : value,
      )
      expect(values).toEqual(output)
    })
  })

  it.each(['transactions', 'deduplication'])(
    'as a sink with %s, killed again and again, publishes each record once',
    async effectivelyOnce => {
      const count = 10_000
      const user = await workspace()
      const namespace = await freshNamespace({ deduplication: effectivelyOnce === 'deduplication' })
      const [from, to] = [`persistent://${namespace}/in`, `persistent://${namespace}/out`]
      await user.produce(from, numberedLines(count), clusterFlags)
      await sinkFile(user, from, to, {
        processingGuarantees: 'EFFECTIVELY_ONCE',
        configs: { serviceUrl, adminUrl, topic: to, effectivelyOnce, batchSize: 100, transactionTimeout: '2s' },
      })
      const args = [...sinkArgs, ...clusterFlags]
      const next = random(SEED)
      const at: number[] = []
      for (let kill = 0; kill < 3; kill++) {
        const point = ((kill + 0.1 + 0.8 * next()) / 3.5) * count
        const run = user.start(args)
        await run.while(
          async () => {
            if (run.over) return true
            // The sink makes it.
            if (!(await client.topics.exists(to))) return false
            return (await client.topics.stats(to)).messages >= point
          },
          { pollMs: 20, what: `${point} records` },
        )
        run.kill('SIGKILL')
        await run.end()
        at.push(Math.round(point))
      }
      const end = await user.run(args, { withinMs: 120_000 })
      const about = `seed ${SEED}, killed at ${at.join(', ')}\n${end.stderr}`
      expect(end.code, about).toBe(0)
      const intact = { lost: [], duplicated: [], reordered: [], alien: [] }
      expect(tally(parsed(await readAll(client, to)), count), about).toEqual(intact)
    },
  )

  it('as a source, killed, loses nothing and publishes nothing twice', async () => {
    const count = 10_000
    const user = await workspace()
    const from = `persistent://${await freshNamespace({})}/in`
    await user.produce(from, numberedLines(count), clusterFlags)
    const config = {
      serviceUrl,
      adminUrl,
      topics: [from],
      subscriptionInitialPosition: 'Earliest',
      receiverQueueSize: 500,
    }
    const args = [
      ...['sources', 'localrun', '--archive', 'connectors/pulsar.tgz', '--name', 'pull'],
      ...['--destination-topic-name', 'out', '--source-config', JSON.stringify(config)],
      ...['--processing-guarantees', 'EFFECTIVELY_ONCE', '--exit-when-idle', '3s'],
    ]
    for (const left of [count * 0.7, count * 0.3]) {
      const run = user.start(args)
      await run.while(
        async () => {
          if (run.over) return true
          const { subscriptions } = await client.topics.stats(from)
          return subscriptions.some(({ backlog }) => backlog <= left)
        },
        { pollMs: 20, what: `${left} left` },
      )
      run.kill('SIGKILL')
      await run.end()
    }
    const end = await user.run(args, { withinMs: 120_000 })
    expect(end, end.stderr).toMatchObject({ code: 0 })
    const values = (await user.consume('out')).map(({ value }) =>
      typeof value === 'string' ? JSON.parse(value) : value,
    )
    expect(tally(values, count)).toEqual({ lost: [], duplicated: [], reordered: [], alien: [] })
  })
})
