import type { Record } from '@pulsar-io/sdk'
import { records } from '@pulsar-io/testkit'
import { afterAll, describe, expect, it } from 'vitest'
import { freshNamespace, pulsar } from '../../../../test/support/pulsar.ts'
import { addressOf, colleague, failure, openSink, readAll, readPartitions } from '../support.ts'

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
  const byNumbers = { ...address, effectivelyOnce: 'deduplication' }

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
    const error = await failure(openSink({ ...byNumbers, topic: `persistent://${namespace}/t` }, ONCE))
    expect(error).toMatchObject({ code: 'PIO_DEDUPLICATION_OFF', retry: 'stop' })
    expect(error.message).toContain(`pulsar-admin namespaces set-deduplication --enable ${namespace}`)
  })

  it('knows records again over ledgers, batches and instances', async () => {
    const topic = `persistent://${await freshNamespace({ deduplication: true })}/once`
    const all = [...of(5n, [0, 1, 2]), ...of(7n, [0, 1]), ...of(12n, [40])]
    {
      await using first = await openSink({ ...byNumbers, topic }, ONCE)
      await first.write(all.slice(0, 4))
      await first.write(all.slice(1, 5))
    }
    await using second = await openSink({ ...byNumbers, topic }, ONCE)
    await second.write(all)
    expect((await readAll(client, topic)).map(({ text }) => text)).toEqual(['5:0', '5:1', '5:2', '7:0', '7:1', '12:40'])
  })

  it('knows records again in a target with partitions, with and without a key', async () => {
    const topic = `persistent://${await freshNamespace({ deduplication: true })}/parts`
    await client.topics.create(topic, { partitions: 3 })
    const keyed = [0, 1, 2, 3, 4].flatMap(entry => of(1n, [entry], { key: `k${entry}` }))
    const bare = of(1n, [5, 6, 7], { partition: 1 })
    for (let round = 0; round < 3; round++) {
      await using sink = await openSink({ ...byNumbers, topic }, ONCE)
      await sink.write([...keyed, ...bare])
    }
    const found = await readPartitions(client, topic, 3)
    expect(found).toHaveLength(8)
    expect(new Set(found.filter(({ key }) => key === undefined).map(({ partition }) => partition))).toEqual(
      new Set([1]),
    )
  })

  it('waits for an instance that held the partition before', async () => {
    const topic = `persistent://${await freshNamespace({ deduplication: true })}/handed-over`
    await using first = await openSink({ ...byNumbers, topic }, ONCE)
    await first.write(of(3n, [0, 1]))
    await using second = await openSink({ ...byNumbers, topic }, { ...ONCE, instanceId: 1, numInstances: 2 })
    await second.write(of(3n, [0, 1, 2]))
    expect((await readAll(client, topic)).map(({ text }) => text)).toEqual(['3:0', '3:1', '3:2'])
  })

  it('commits records and positions together, and lets go what is old', async () => {
    const namespace = await freshNamespace({})
    const topic = `persistent://${namespace}/together`
    const named = { ...ONCE, tenant: 'public', namespace: 'default', name: 'copy' }
    const checkpoint = (records: readonly Record[]) => {
      const last = records.at(-1)
      return last ? [{ topic: last.topic, partition: last.partition, position: last.position }] : []
    }
    const batches = [of(5n, [0, 1]), of(5n, [2]), of(6n, [0])]
    {
      await using first = await openSink({ ...address, topic }, named)
      for (const batch of batches) await first.write(batch, { checkpoint: checkpoint(batch) })
      expect(await first.committed()).toEqual(checkpoint(batches[2] ?? []))
    }
    await using second = await openSink({ ...address, topic }, named)
    expect(await second.committed()).toEqual(checkpoint(batches[2] ?? []))
    expect((await readAll(client, topic)).map(({ text }) => text)).toEqual(['5:0', '5:1', '5:2', '6:0'])
    const { subscriptions } = await client.topics.stats(`persistent://${namespace}/public-default-copy-positions`)
    expect(subscriptions.find(({ name }) => name === 'positions')?.backlog).toBe(1)
  })

  it('decides what a predecessor left open before it begins', async () => {
    const topic = `persistent://${await freshNamespace({})}/left-open`
    const options = { ...address, topic, transactionTimeout: '2s' }
    const records = of(5n, [0, 1])
    const positionsTopic = `${topic}-positions`
    {
      await using first = await openSink({ ...options, positionsTopic }, ONCE)
      await first.write(records.slice(0, 1), { checkpoint: [] })
    }
    // As one that crashed before its commit.
    const lost = await client.beginTransaction(2_000)
    const producer = await client.createProducer({ topic: positionsTopic })
    const entry = { positions: [{ topic: INPUT, partition: 0, position: '5:1:-1' }] }
    await producer.send([{ payload: Buffer.from(JSON.stringify(entry)) }], lost)
    await producer.close()
    await using next = await openSink({ ...options, positionsTopic }, ONCE)
    expect(await next.committed()).toEqual([])
  })

  it('refuses transactions for several instances', async () => {
    const error = await failure(openSink({ ...address, topic: 't' }, { ...ONCE, numInstances: 2 }))
    expect(error).toMatchObject({ code: 'PIO_CONFIG' })
    expect(error.message).toContain('effectivelyOnce')
  })
})
