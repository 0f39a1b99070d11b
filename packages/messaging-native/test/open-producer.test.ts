import { describe, expect, it } from 'vitest'
import { openProducer } from '../src/open-producer.ts'
import { fakeAddon, turn } from './support/fake-addon.ts'

const topic = 'persistent://public/default/t'

describe('opening a producer', () => {
  it('gives each message an entry for itself', async () => {
    const { client, producers } = fakeAddon()
    const producer = await openProducer(client, { topic: 't', name: 'p', access: 'Exclusive' }, {}, () => undefined)
    expect(producer).toMatchObject({ topic, name: 'fake', lastSequenceId: -1n })
    expect(producers).toMatchObject([
      {
        topic,
        producerName: 'p',
        accessMode: 'Exclusive',
        batchingEnabled: false,
        chunkingEnabled: true,
        blockIfQueueFull: false,
        maxPendingMessages: 6_000,
        maxPendingMessagesAcrossPartitions: 2_000_000_000,
        messageRoutingMode: 'RoundRobinDistribution',
        hashingScheme: 'JavaStringHash',
        compressionType: 'None',
      },
    ])
  })

  it.each([
    [{ keys: 'mixed', maxMessages: 7, maxBytes: 100, maxDelayMs: 0 }, true],
    [{ keys: 'mixed', enabled: false }, false],
    // The addon would change the order.
    [{ keys: 'grouped' }, false],
    [{ keys: 'apart' }, false],
  ] as const)('batches for %j: %j', async (batching, batchingEnabled) => {
    const { client, producers } = fakeAddon()
    await openProducer(client, { topic, batching, compression: 'ZSTD' }, { compression: 'LZ4' }, () => undefined)
    expect(producers).toMatchObject([{ batchingEnabled, compressionType: 'ZSTD' }])
    if (batchingEnabled) {
      const [config] = producers
      expect(config).toMatchObject({ batchingMaxMessages: 7, batchingMaxAllowedSizeInBytes: 100 })
      expect(config).toMatchObject({ batchingMaxPublishDelayMs: 1 })
      expect(config?.chunkingEnabled).toBeUndefined()
    }
  })

  it('names what a broker refuses', async () => {
    const { client, refuseWith } = fakeAddon()
    refuseWith('ProducerBusy')
    const opening = openProducer(client, { topic }, {}, () => undefined)
    await expect(opening).rejects.toMatchObject({ code: 'PIO_PRODUCER_BUSY' })
    await expect(opening).rejects.toThrow(`cannot produce to ${topic}`)
  })

  it('closes what comes after the signal', async () => {
    const { client, producers } = fakeAddon()
    const gate = Promise.withResolvers<void>()
    const slow = {
      ...client,
      createProducer: async (config: Parameters<typeof client.createProducer>[0]) => {
        await gate.promise
        return client.createProducer(config)
      },
    }
    const controller = new AbortController()
    const opening = openProducer(slow, { topic, signal: controller.signal }, {}, () => undefined)
    controller.abort()
    await expect(opening).rejects.toMatchObject({ code: 'PIO_CLOSED' })
    gate.resolve()
    await turn()
    expect(producers.map(({ producer }) => producer.closed)).toEqual([1])
  })
})
