import { afterAll, describe, expect, it } from 'vitest'
import { freshNamespace, pulsar } from '../../../../test/support/pulsar.ts'
import { addressOf, colleague, failure, openSource } from '../support.ts'

const client = pulsar.available ? await colleague(pulsar) : undefined
afterAll(() => client?.close())

const ONCE = { guarantee: 'EFFECTIVELY_ONCE' } as const
const text = (value: unknown): string => Buffer.from(value as Uint8Array).toString()

describe.skipIf(!pulsar.available || !client)('pulsar source', { timeout: 60_000 }, () => {
  if (!pulsar.available || !client) return
  const address = { ...addressOf(pulsar), subscriptionInitialPosition: 'Earliest' }

  const filled = async (name: string, count: number, partitions = 0): Promise<string> => {
    const topic = `persistent://${await freshNamespace({})}/${name}`
    if (partitions > 0) await client.topics.create(topic, { partitions })
    const producer = await client.createProducer({ topic })
    await producer.send(
      Array.from({ length: count }, (_, i) => ({
        payload: Buffer.from(`{"n":${i}}`),
        key: `k${i}`,
        properties: { a: 'b' },
        eventTime: 1_700_000_000_000 + i,
      })),
    )
    await producer.close()
    return topic
  }

  it('hands on bytes, key, properties and event time', async () => {
    const topic = await filled('bytes', 1)
    await using source = await openSource({ ...address, topics: topic })
    const [record] = await source.take(1)
    expect(record).toMatchObject({ key: 'k0', properties: { a: 'b' }, eventTime: 1_700_000_000_000 })
    expect(text(record?.value)).toBe('{"n":0}')
    expect(record?.sequence).toBeUndefined()
  })

  it('reads text and JSON, and stops at what is neither', async () => {
    const topic = await filled('typed', 1)
    {
      await using source = await openSource({ ...address, topics: topic, schemaType: 'STRING', subscriptionName: 'a' })
      expect((await source.take(1))[0]?.value).toBe('{"n":0}')
    }
    await using source = await openSource({ ...address, topics: topic, schemaType: 'JSON', subscriptionName: 'b' })
    expect((await source.take(1))[0]?.value).toEqual({ n: 0 })
    const producer = await client.createProducer({ topic })
    await producer.send([{ payload: Buffer.from('{') }])
    await producer.close()
    const error = await failure(source.read())
    expect(error).toMatchObject({ code: 'PIO_RECORD', retry: 'stop' })
    expect(error.message).toContain(topic)
  })

  it('joins topics of a pattern', async () => {
    const one = await filled('orders-1', 2)
    const namespace = one.split('/').slice(2, 4).join('/')
    await using source = await openSource({ ...address, topicsPattern: `${namespace}/orders-.*` })
    await source.take(2)
  })

  it('hands out again what could not be published', async () => {
    const topic = await filled('again', 3)
    await using source = await openSource({ ...address, topics: topic, negativeAckRedeliveryDelay: '100ms' })
    const [, second] = await source.take(3)
    await second?.fail?.(new Error('no'))
    expect((await source.take(1))[0]?.key).toBe('k1')
  })

  it('begins anew under EFFECTIVELY_ONCE where a record could not be published, for later ones would hide it', async () => {
    const topic = await filled('fails', 3)
    await using source = await openSource({ ...address, topics: topic }, ONCE)
    const [first] = await source.take(3)
    await first?.fail?.(new Error('no'))
    expect(await failure(source.read())).toMatchObject({ retry: 'reconnect' })
  })

  it('leaves out what the stored offsets cover, and numbers the rest as before', async () => {
    const topic = await filled('resumed', 10)
    const first = await openSource({ ...address, topics: topic }, ONCE)
    const before = await first.take(10)
    await first.close()
    const known = before[3]
    const offsets = new Map([[known?.partitionId ?? '', known?.offset ?? {}]])
    await using source = await openSource({ ...address, topics: topic }, { ...ONCE, offsets })
    const after = await source.take(6)
    expect(after.map(({ sequence }) => sequence)).toEqual(before.slice(4).map(({ sequence }) => sequence))
  })

  it('divides partitions among instances under EFFECTIVELY_ONCE, the same way each time', async () => {
    const topic = await filled('divided', 60, 3)
    const seen: string[] = []
    for (const instanceId of [0, 1]) {
      await using source = await openSource({ ...address, topics: topic }, { ...ONCE, instanceId, numInstances: 2 })
      const partitions = instanceId === 0 ? [0, 2] : [1]
      const stats = await client.topics.stats(topic)
      expect(stats.partitions).toBe(3)
      const records = await source.take(1)
      for (const { partitionId } of records) {
        expect(partitions.map(partition => `${topic}-${partition}`)).toContain(partitionId)
        if (partitionId !== undefined) seen.push(partitionId)
      }
    }
    expect(new Set(seen).size).toBeGreaterThan(1)
  })
})
