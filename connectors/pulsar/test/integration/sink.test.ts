import { records } from '@pulsar-io/testkit'
import { afterAll, describe, expect, it } from 'vitest'
import { freshNamespace, pulsar } from '../../../../test/support/pulsar.ts'
import { addressOf, colleague, failure, openSink, readAll } from '../support.ts'

const client = pulsar.available ? await colleague(pulsar) : undefined
afterAll(() => client?.close())

const INPUT = 'persistent://public/default/orders'
const ONCE = { guarantee: 'EFFECTIVELY_ONCE', subscriptionType: 'Failover' } as const

/** Records of entries of a ledger. */
const of = (ledgerId: bigint, entries: readonly number[], more: object = {}) =>
  entries.flatMap(entry =>
    records([`${ledgerId}:${entry}`], {
      topic: INPUT,
      position: { ledgerId, entryId: BigInt(entry), batchIndex: -1 },
      ...more,
    }),
  )

describe.skipIf(!pulsar.available || !client)('pulsar sink', { timeout: 60_000 }, () => {
  if (!pulsar.available || !client) return
  const address = addressOf(pulsar)

  it('publishes bytes and text as they are, the rest as JSON, with key, properties and event time', async () => {
    const topic = `persistent://${await freshNamespace({})}/values`
    await using sink = await openSink({ ...address, topic, compressionType: 'ZSTD' })
    const values = [Buffer.from([1, 2, 65]), 'grüße', { id: 9007199254740993n }, [1], 7, true, null]
    await sink.write(records(values, { key: 'k', properties: { a: 'b' }, eventTime: 1_700_000_000_000 }))
    const found = await readAll(client, topic)
    expect(found.map(({ text }) => text)).toEqual([
      '\u0001\u0002A',
      'grüße',
      '{"id":9007199254740993}',
      '[1]',
      '7',
      'true',
      null,
    ])
    for (const one of found)
      expect(one).toMatchObject({ key: 'k', properties: { a: 'b' }, eventTime: 1_700_000_000_000 })
  })

  it('fills the name of the input in', async () => {
    const namespace = await freshNamespace({})
    await using sink = await openSink({ ...address, topic: `${namespace}/clean-{topic}` })
    await sink.write([...records(['a'], { topic: INPUT }), ...records(['b'], { topic: 'persistent://public/x/users' })])
    for (const [name, text] of [
      ['clean-orders', 'a'],
      ['clean-users', 'b'],
    ])
      expect(await readAll(client, `persistent://${namespace}/${name}`)).toMatchObject([{ text }])
  })

  it('publishes with the schema that the target has', async () => {
    const topic = `persistent://${await freshNamespace({})}/typed`
    const definition = '{"type":"record","name":"R","fields":[{"name":"id","type":"int"}]}'
    await (await client.createProducer({ topic, schema: { type: 'JSON', name: 'R', definition } })).close()
    await using sink = await openSink({ ...address, topic, schemaType: 'JSON' })
    await sink.write(records([{ id: 1 }]))
    const reader = await client.createReader({ topic })
    const [message] = await reader.read({ maxMessages: 1 })
    expect(message?.schema?.type).toBe('JSON')
    await reader.close()
  })

  it('refuses EFFECTIVELY_ONCE where the target does not deduplicate, and says how to change that', async () => {
    const namespace = await freshNamespace({})
    const error = await failure(openSink({ ...address, topic: `persistent://${namespace}/t` }, ONCE))
    expect(error).toMatchObject({ code: 'PIO_DEDUPLICATION_OFF', retry: 'stop' })
    expect(error.message).toContain(`pulsar-admin namespaces set-deduplication --enable ${namespace}`)
  })

  it('knows records again over ledgers, batches and instances', async () => {
    const topic = `persistent://${await freshNamespace({ deduplication: true })}/once`
    const all = [...of(5n, [0, 1, 2]), ...of(7n, [0, 1]), ...of(12n, [40])]
    {
      await using first = await openSink({ ...address, topic }, ONCE)
      await first.write(all.slice(0, 4))
      await first.write(all.slice(1, 5))
    }
    await using second = await openSink({ ...address, topic }, ONCE)
    await second.write(all)
    expect((await readAll(client, topic)).map(({ text }) => text)).toEqual(['5:0', '5:1', '5:2', '7:0', '7:1', '12:40'])
  })

  it('knows records again in a target with partitions, with and without a key', async () => {
    const topic = `persistent://${await freshNamespace({ deduplication: true })}/parts`
    await client.topics.create(topic, { partitions: 3 })
    const keyed = [0, 1, 2, 3, 4].flatMap(entry => of(1n, [entry], { key: `k${entry}` }))
    const bare = of(1n, [5, 6, 7], { partition: 1 })
    for (let round = 0; round < 3; round++) {
      await using sink = await openSink({ ...address, topic }, ONCE)
      await sink.write([...keyed, ...bare])
    }
    const found = await readAll(client, topic)
    expect(found).toHaveLength(8)
    expect(new Set(found.filter(({ key }) => key === undefined).map(({ partition }) => partition))).toEqual(
      new Set([1]),
    )
  })

  it('waits for an instance that held the partition before', async () => {
    const topic = `persistent://${await freshNamespace({ deduplication: true })}/handed-over`
    await using first = await openSink({ ...address, topic }, ONCE)
    await first.write(of(3n, [0, 1]))
    await using second = await openSink({ ...address, topic }, { ...ONCE, instanceId: 1, numInstances: 2 })
    await second.write(of(3n, [0, 1, 2]))
    expect((await readAll(client, topic)).map(({ text }) => text)).toEqual(['3:0', '3:1', '3:2'])
  })
})
