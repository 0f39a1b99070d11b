import type { ConsumerOptions, Message, TopicStats } from '@pulsar-io/messaging'
import type { SchemaInfo } from '@pulsar-io/sdk'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { NativeConsumerDefaults } from '../src/options.ts'
import { subscribe } from '../src/subscribe.ts'
import { type FakeConsumer, fakeAddon, fakeMessage, turn } from './support/fake-addon.ts'

const topic = 'persistent://public/default/t'

async function open(
  options: Partial<ConsumerOptions> = {},
  world: { partitions?: number; schema?: SchemaInfo; names?: string[]; defaults?: NativeConsumerDefaults } = {},
) {
  const fake = fakeAddon(name =>
    world.partitions === undefined
      ? [name]
      : Array.from({ length: world.partitions }, (_, i) => `${name}-partition-${i}`),
  )
  const reported: unknown[] = []
  const context = {
    ...fake,
    pulsar: {
      topics: {
        list: async () => world.names ?? [],
        stats: async () => ({ subscriptions: [{ name: 'sub', backlog: 4 }] }) as unknown as TopicStats,
      },
      schemas: { latest: async () => world.schema },
    },
    defaults: world.defaults ?? {},
    report: (error: unknown) => void reported.push(error),
  }
  const all = { subscription: 'sub', type: 'Exclusive', ...options } as const
  const where = options.topicsPattern === undefined ? { topics: ['t'] } : {}
  const consumer = await subscribe(context, { ...where, ...all }, () => undefined)
  onTestFinished(() => consumer.close())
  await turn()
  return { consumer, ...fake, reported, first: fake.consumers[0] as FakeConsumer }
}

const now = { maxMessages: 10, timeoutMs: 0 }
const texts = (messages: readonly Message[]) => messages.map(({ payload }) => Buffer.from(payload ?? []).toString())

describe('subscribing', () => {
  it('maps options', async () => {
    const { first } = await open({ type: 'Key_Shared', initialPosition: 'Earliest', name: 'c', properties: { a: 'b' } })
    expect(first.config).toMatchObject({
      topic,
      subscription: 'sub',
      subscriptionType: 'KeyShared',
      subscriptionInitialPosition: 'Earliest',
      consumerName: 'c',
      properties: { a: 'b' },
      batchIndexAckEnabled: true,
      receiverQueueSize: 1000,
    })
  })

  it('opens a consumer for each partition, and divides the queue among them', async () => {
    const { consumers, consumer } = await open({}, { partitions: 3 })
    expect(consumers.map(({ config }) => config.topic)).toEqual([0, 1, 2].map(i => `${topic}-partition-${i}`))
    expect(consumers[0]?.config.receiverQueueSize).toBe(334)
    await consumers[2]?.put(fakeMessage(5))
    const [message] = await consumer.receive(now)
    expect(message).toMatchObject({ topic, partition: 2, sequenceId: -1n, properties: { a: '1' }, key: undefined })
  })

  it.each<[Partial<ConsumerOptions>, string]>([
    [{ priority: 3 }, 'PIO_NATIVE_UNSUPPORTED'],
    [{ subscription: '' }, 'PIO_MESSAGING_USAGE'],
    [{ maxUnsettled: 0 }, 'PIO_MESSAGING_USAGE'],
    [{ topics: [] }, 'PIO_MESSAGING_USAGE'],
  ])('refuses %j', async (options, code) => {
    await expect(open(options)).rejects.toMatchObject({ code })
  })

  it('reads topics whose schema needs no version, and refuses the others', async () => {
    const schema = { type: 'JSON' } as const
    const { first, consumer } = await open({}, { schema })
    await first.put(fakeMessage(1))
    expect((await consumer.receive(now))[0]?.schema).toBe(schema)
    await expect(open({}, { schema: { type: 'AVRO' } })).rejects.toMatchObject({ code: 'PIO_NATIVE_UNSUPPORTED' })
  })

  it('joins topics of a pattern that are made later, from their first message on', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const names = [`${topic}-a`, `${topic}x`]
    const { consumers } = await open({ topicsPattern: 't-.*' }, { names })
    expect(consumers.map(({ config }) => config.topic)).toEqual([`${topic}-a`])
    names.push(`${topic}-b`)
    await vi.advanceTimersByTimeAsync(5_000)
    await turn()
    expect(consumers.map(({ config }) => [config.topic, config.subscriptionInitialPosition])).toEqual([
      [`${topic}-a`, 'Latest'],
      [`${topic}-b`, 'Earliest'],
    ])
  })

  it('knows which consumer is active only where that is nobody or everybody', async () => {
    const { consumer } = await open({ type: 'Shared' })
    expect(consumer.onActiveChange()).toBeTypeOf('function')
    const failover = await open({ type: 'Failover' })
    expect(() => failover.consumer.onActiveChange()).toThrow(
      expect.objectContaining({ code: 'PIO_NATIVE_UNSUPPORTED' }),
    )
  })
})

describe('receiving', () => {
  it('takes what is there, in order, to the bounds', async () => {
    const { first, consumer } = await open()
    await first.put(...[1, 2, 3, 4].map(n => fakeMessage(n)))
    expect(texts(await consumer.receive({ ...now, maxMessages: 1 }))).toEqual(['m1'])
    expect(texts(await consumer.receive({ ...now, maxBytes: 5 }))).toEqual(['m2', 'm3'])
    expect(texts(await consumer.receive({ ...now, maxBytes: 1 }))).toEqual(['m4'])
    expect(await consumer.receive(now)).toEqual([])
  })

  it('hands out at most maxUnsettled', async () => {
    const { first, consumer } = await open({ maxUnsettled: 2 })
    await first.put(...[1, 2, 3].map(n => fakeMessage(n)))
    const out = [...(await consumer.receive(now)), ...(await consumer.receive({ ...now, timeoutMs: 10 }))]
    expect(texts(out)).toEqual(['m1', 'm2'])
    await consumer.acknowledge(out.slice(0, 1))
    expect(texts(await consumer.receive(now))).toEqual(['m3'])
  })

  it('does not fetch more than it may hold', async () => {
    const { first, consumer } = await open({}, { defaults: { receiverQueueMessages: 4, receiverQueueBytes: 3 } })
    await first.put(fakeMessage(1), fakeMessage(2, { text: 'long' }), ...[3, 4].map(n => fakeMessage(n)))
    expect(first.left).toBe(0)
    await first.put(...[5, 6].map(n => fakeMessage(n)))
    expect(first.left).toBe(2)
    await consumer.receive(now)
    await turn()
    expect(first.left).toBe(0)
  })

  it('wakes up for a message, and ends waiting when it is closed', async () => {
    const { first, consumer } = await open()
    const waiting = consumer.receive({ maxMessages: 1 })
    await first.put(fakeMessage(1))
    expect(texts(await waiting)).toEqual(['m1'])
    const other = expect(consumer.receive({ maxMessages: 1 })).rejects.toMatchObject({ code: 'PIO_CLOSED' })
    await expect(consumer.receive(now)).rejects.toMatchObject({ code: 'PIO_MESSAGING_USAGE' })
    await consumer.close()
    await other
  })

  it('rejects when the broker ends the consumer', async () => {
    const { first, consumer } = await open()
    await first.end('SubscriptionNotFound')
    await expect(consumer.receive({ maxMessages: 1 })).rejects.toMatchObject({ code: 'PIO_NOT_FOUND' })
  })
})

describe('settling', () => {
  it('acknowledges each message once', async () => {
    const { first, consumer } = await open()
    await first.put(fakeMessage(1), fakeMessage(2))
    const messages = await consumer.receive(now)
    await consumer.acknowledge(messages.slice(0, 1))
    await consumer.acknowledge(messages)
    expect(first.told).toEqual(['ack 1', 'ack 2'])
  })

  it('acknowledges everything up to a message, where others do not share', async () => {
    const { first, consumer } = await open({ maxUnsettled: 2 })
    await first.put(fakeMessage(1), fakeMessage(2), fakeMessage(3))
    const messages = [...(await consumer.receive(now)), ...(await consumer.receive({ ...now, timeoutMs: 10 }))]
    await consumer.acknowledgeCumulative(messages.at(-1) as Message)
    expect(first.told).toEqual(['cumulative 2'])
    expect(texts(await consumer.receive(now))).toEqual(['m3'])
    const shared = await open({ type: 'Shared' })
    await shared.first.put(fakeMessage(1))
    const [message] = await shared.consumer.receive(now)
    await expect(shared.consumer.acknowledgeCumulative(message as Message)).rejects.toMatchObject({
      code: 'PIO_MESSAGING_USAGE',
    })
  })

  it('keeps a refused message of Exclusive and hands it out again', async () => {
    const { first, consumer } = await open()
    await first.put(fakeMessage(1), fakeMessage(2))
    const messages = await consumer.receive(now)
    consumer.negativeAcknowledge(messages.slice(0, 1), 1)
    const [again] = await consumer.receive({ maxMessages: 10, timeoutMs: 10_000 })
    expect(again).toMatchObject({ redeliveryCount: 1, position: { entryId: 1n } })
    expect(first.told).toEqual([])
    await consumer.acknowledge([again as Message])
    expect(first.told).toEqual(['ack 1'])
  })

  it('gives a refused message of Shared back after its delay, unless it is acknowledged before', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { first, consumer } = await open({ type: 'Shared', nackDelayMs: 1_000 })
    await first.put(fakeMessage(1), fakeMessage(2))
    const messages = await consumer.receive(now)
    consumer.negativeAcknowledge(messages)
    await consumer.acknowledge(messages.slice(1))
    vi.advanceTimersByTime(1_000)
    expect(first.told).toEqual(['ack 2'])
    vi.advanceTimersByTime(1)
    expect(first.told).toEqual(['ack 2', 'nack 1'])
  })

  it('gives back what was not settled in time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { first, consumer } = await open({ type: 'Shared', ackTimeoutMs: 500 })
    await first.put(fakeMessage(1), fakeMessage(2))
    await consumer.acknowledge((await consumer.receive(now)).slice(0, 1))
    vi.advanceTimersByTime(501)
    expect(first.told).toEqual(['ack 1', 'nack 2'])
  })

  it('counts the backlog of its own subscription', async () => {
    const { consumer } = await open({}, { partitions: 2 })
    expect(await consumer.backlog()).toBe(4)
  })

  it('deletes the subscription', async () => {
    const { first, consumer } = await open()
    await consumer.unsubscribe()
    expect(first.told).toEqual(['unsubscribe', 'close'])
  })
})

describe('seeking', () => {
  it('forgets what was handed out before', async () => {
    const { first, consumer } = await open()
    await first.put(fakeMessage(1), fakeMessage(2))
    const before = await consumer.receive({ ...now, maxMessages: 1 })
    await consumer.seek('earliest')
    await consumer.seek({ time: 12.6 })
    expect(await consumer.receive(now)).toEqual([])
    await consumer.acknowledge(before)
    await first.put(fakeMessage(7))
    expect(texts(await consumer.receive(now))).toEqual(['m7'])
    expect(first.told).toEqual(['seek -1', 'seek time 13'])
  })

  it('opens the consumer anew to begin with the message of a position', async () => {
    const { consumers, first, consumer } = await open()
    await consumer.seek({ position: { ledgerId: 1n, entryId: 3n, batchIndex: 2 } })
    expect(first.told).toEqual(['seek 3.2', 'close'])
    expect(consumers).toHaveLength(2)
    const second = consumers[1] as FakeConsumer
    await turn()
    await second.put(...[0, 1, 2, 3].map(batchIndex => fakeMessage(3, { batchIndex, text: `b${batchIndex}` })))
    expect(texts(await consumer.receive(now))).toEqual(['b2', 'b3'])
    // Nobody else would ever settle them.
    expect(second.told).toEqual(['ack 3.0', 'ack 3.1'])
  })

  it('finds the partition by its ledger', async () => {
    const { consumers, consumer } = await open({}, { partitions: 2 })
    const position = { ledgerId: 1n, entryId: 3n, batchIndex: -1 }
    await expect(consumer.seek({ position })).rejects.toMatchObject({ code: 'PIO_MESSAGING_USAGE' })
    await consumers[1]?.put(fakeMessage(1))
    await consumer.seek({ position })
    expect(consumers[0]?.told).toEqual([])
    expect(consumers[1]?.told).toEqual(['seek 3', 'close'])
    await expect(consumer.seek('earliest', 'other')).rejects.toMatchObject({ code: 'PIO_MESSAGING_USAGE' })
  })
})
