import { service } from '@pulsar-io/tooling/services'
import { afterAll, describe, expect, it } from 'vitest'
import { numberedLines, random, tally } from '../../../../test/support/records.ts'
import { type Workspace, workspace } from '../../../../test/support/workspace.ts'
import { Cluster, serversOf, unique, until } from '../support.ts'

/** The `runtime` command with the packed archive, ended by `kill -9`, and a server that crashes under it. */
const server = await service('kafka', { dedicated: true })
const cluster = server.available ? new Cluster(serversOf(server)) : undefined
afterAll(async () => {
  await cluster?.close()
  if (server.available) await server.close()
})

const SEED = Number(process.env.GUARANTEE_SEED ?? Date.now() % 2 ** 31)
const KILLS = Number(process.env.GUARANTEE_KILLS ?? 3)
const intact = { lost: 0, duplicated: 0, reordered: 0, alien: 0 }

function short(arrived: readonly unknown[], count: number) {
  const { lost, duplicated, reordered, alien } = tally(arrived, count)
  return { lost: lost.length, duplicated: duplicated.length, reordered: reordered.length, alien: alien.length }
}

describe.skipIf(!server.available)('the runtime with Kafka', { timeout: 180_000 }, () => {
  if (!server.available || !cluster) return
  const bootstrapServers = serversOf(server)
  const name = ['--name', 'flow']

  const sinkArgs = (topic: string, guarantee: string) => [
    ...['--archive', 'connectors/kafka.tgz', '--kind', 'sink', '--inputs', 'events', '--subs-position', 'Earliest'],
    ...['--sink-config', JSON.stringify({ bootstrapServers, topic }), '--batch-size', '200', ...name],
    ...['--processing-guarantees', guarantee, '--exit-when-idle', '2s'],
  ]

  const sourceArgs = (topic: string, guarantee: string, parallelism: number) => [
    ...['--archive', 'connectors/kafka.tgz', '--kind', 'source', '--destination-topic-name', 'events'],
    ...[
      '--source-config',
      JSON.stringify({
        bootstrapServers,
        topic,
        groupId: topic,
        sessionTimeoutMs: 6000,
        heartbeatIntervalMs: 300,
        consumerConfigProperties: { 'max.partition.fetch.bytes': 20_000 },
      }),
    ],
    ...['--processing-guarantees', guarantee, '--parallelism', String(parallelism), ...name, '--exit-when-idle', '12s'],
  ]

  /** Ends runs with SIGKILL as soon as `progress` has got to each of some random points, and lets the last one end. */
  async function killed(user: Workspace, args: readonly string[], records: number, progress: () => Promise<number>) {
    const next = random(SEED)
    const at: number[] = []
    for (let kill = 0; kill < KILLS; kill++) {
      const point = ((kill + 0.1 + 0.8 * next()) / (KILLS + 0.5)) * records
      const run = user.start(args)
      await run.while(async () => run.over || (await progress()) >= point, { pollMs: 5, what: `${point} records` })
      run.kill('SIGKILL')
      await run.end()
      at.push(await progress())
    }
    const end = await user.start(args).end(120_000)
    return { about: `seed ${SEED}, killed at ${at.join(', ')}`, at, end }
  }

  const endOf = async (topic: string): Promise<number> => {
    const offsets = await cluster.admin.listOffsets({
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
    } as never)
    return Number((offsets as unknown as { partitions: { offset: bigint }[] }[])[0]?.partitions[0]?.offset ?? 0)
  }

  it.each(['EFFECTIVELY_ONCE', 'ATLEAST_ONCE'])('sink: keeps %s through kill -9', async guarantee => {
    const count = 20_000
    const topic = await cluster.create(unique('kills'))
    const user = await workspace()
    await user.produce('events', numberedLines(count))
    const { about, at, end } = await killed(user, sinkArgs(topic, guarantee), count, () => endOf(topic))
    expect(end.code, `${about}\n${end.stderr}`).toBe(0)
    expect(
      at.some(n => n > 0 && n < count),
      about,
    ).toBe(true)
    const found = short(
      (await cluster.values(topic)).map(value => JSON.parse(value ?? 'null')),
      count,
    )
    if (guarantee === 'EFFECTIVELY_ONCE') expect(found, about).toEqual(intact)
    else expect(found, about).toMatchObject({ lost: 0, alien: 0 })
  })

  it.each([
    ['EFFECTIVELY_ONCE', 1],
    ['EFFECTIVELY_ONCE', 2],
    ['ATLEAST_ONCE', 1],
  ])('source: keeps %s through kill -9 with %d instances', async (guarantee, parallelism) => {
    const count = 20_000
    const topic = await cluster.create(unique('kills'), 3)
    await cluster.produce(
      topic,
      numberedLines(count).map((value, i) => ({ value, partition: i % 3 })),
    )
    const user = await workspace()
    const { openEmbedded } = await import('../../../../packages/messaging-embedded/src/index.ts')
    const progress = async () => {
      const client = await openEmbedded({ directory: user.path('.pulsar-io') })
      try {
        return (await client.topics.exists('events')) ? (await client.topics.stats('events')).messages : 0
      } finally {
        await client.close()
      }
    }
    const { about, at, end } = await killed(user, sourceArgs(topic, guarantee, parallelism), count, progress)
    expect(end.code, `${about}\n${end.stderr}`).toBe(0)
    expect(
      at.some(n => n > 0 && n < count),
      about,
    ).toBe(true)
    const records = await user.consume('events')
    const found = short(
      records.map(({ value }) => (typeof value === 'string' ? JSON.parse(value) : value)),
      count,
    )
    if (guarantee === 'EFFECTIVELY_ONCE') expect(found, about).toMatchObject({ lost: 0, duplicated: 0, alien: 0 })
    else expect(found, about).toMatchObject({ lost: 0, alien: 0 })
  })

  it.each(['EFFECTIVELY_ONCE', 'ATLEAST_ONCE'])(
    'sink: a server that crashes and comes back costs nothing (%s)',
    async guarantee => {
      const count = 60_000
      const topic = await cluster.create(unique('crash'))
      const user = await workspace()
      await user.produce('events', numberedLines(count))
      const run = user.start(sinkArgs(topic, guarantee))
      await run.while(async () => (await endOf(topic)) > count / 10, { pollMs: 5, what: 'a tenth' })
      await server.kill()
      const lost = await run.logged(/connection lost; nothing is lost/, { withinMs: 60_000 })
      expect(lost).toMatchObject({ level: 'warn', reason: expect.stringContaining(bootstrapServers) })
      await server.start()
      const end = await run.end(120_000)
      expect(end, end.stderr).toMatchObject({ code: 0, summary: { deadLettered: 0 } })
      expect(end.log.some(({ msg }) => msg === 'connected again')).toBe(true)
      const found = short(
        (await cluster.values(topic)).map(value => JSON.parse(value ?? 'null')),
        count,
      )
      if (guarantee === 'EFFECTIVELY_ONCE') expect(found).toEqual(intact)
      else expect(found).toMatchObject({ lost: 0, alien: 0 })
    },
  )

  it('source: a server that is restarted under load costs nothing', async () => {
    const count = 60_000
    const topic = await cluster.create(unique('restart'), 2)
    await cluster.produce(
      topic,
      numberedLines(count).map((value, i) => ({ value, partition: i % 2 })),
    )
    const user = await workspace()
    const run = user.start(sourceArgs(topic, 'EFFECTIVELY_ONCE', 1))
    await run.logged(/partitions of this instance/, { withinMs: 60_000 })
    await server.restart()
    const end = await run.end(120_000)
    expect(end, end.stderr).toMatchObject({ code: 0, summary: { recordsOut: count } })
    const records = await user.consume('events')
    const values = records.map(({ value }) => (typeof value === 'string' ? JSON.parse(value) : value))
    expect(short(values, count)).toMatchObject({ lost: 0, duplicated: 0, alien: 0 })
    await until(async () => (await endOf(topic)) > 0, 'the server')
  })
})
