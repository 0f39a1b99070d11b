import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CompressionType, PulsarClient, PulsarOutgoingMessage } from '../../src/index.ts'
import { broker, connect, freshTopic, setPolicy } from '../support/broker.ts'
import { numbered, outgoing, take, text, texts } from '../support/receive.ts'

describe.skipIf(!broker.available)('topics and messages', () => {
  let client: PulsarClient

  beforeAll(async () => {
    await setPolicy('deduplication', true)
    client = await connect()
  })
  afterAll(() => client.close())

  const subscribe = (topic: string, rest: object = {}) =>
    client.subscribe({ topics: [topic], subscription: 's', type: 'Exclusive', initialPosition: 'Earliest', ...rest })

  it.each(['LZ4', 'ZLIB', 'ZSTD', 'SNAPPY'] satisfies CompressionType[])(
    'carries what is compressed with %s',
    async compression => {
      const topic = freshTopic()
      const producer = await client.createProducer({ topic, compression })
      await producer.send(outgoing(...numbered('batch', 50)))
      await producer.send(outgoing('single'))
      const consumer = await subscribe(topic)
      expect(texts(await take(consumer, 51))).toEqual([...numbered('batch', 50), 'single'])
      await consumer.close()
      await producer.close()
    },
  )

  it('carries a message that is larger than the broker takes, in chunks, and acknowledges all of them', async () => {
    const topic = freshTopic()
    const producer = await client.createProducer({ topic })
    const large = Buffer.alloc(12_000_000)
    for (let i = 0; i < large.length; i += 1) large[i] = i % 251
    const consumer = await subscribe(topic)
    const positions = await producer.send([...outgoing('a'), { payload: large, key: 'k' }, ...outgoing('b')])
    const messages = await take(consumer, 3)
    expect(messages.map(({ size }) => size)).toEqual([1, large.length, 1])
    expect(Buffer.compare(messages[1]?.payload ?? Buffer.alloc(0), large)).toBe(0)
    expect(messages.map(({ position }) => position)).toEqual(positions)
    await consumer.acknowledge(messages)
    expect(await consumer.backlog()).toBe(0)
    await consumer.close()
    await producer.close()
  })

  it('refuses such a message where chunking is off, and goes on with the others', async () => {
    const topic = freshTopic()
    const producer = await client.createProducer({ topic, chunking: false })
    await expect(producer.send([{ payload: Buffer.alloc(6_000_000) }])).rejects.toMatchObject({
      code: 'PIO_MESSAGE_TOO_LARGE',
      retry: 'reject',
    })
    await producer.send(outgoing('after'))
    const consumer = await subscribe(topic)
    expect(texts(await take(consumer, 1))).toEqual(['after'])
    await consumer.close()
    await producer.close()
  })

  it('divides a topic among partitions: keys by their hash, a consumer and a reader over all of them', async () => {
    const topic = freshTopic()
    await client.topics.create(topic, { partitions: 3 })
    const producer = await client.createProducer({ topic })
    const messages = Array.from({ length: 90 }, (_, i) => ({ payload: Buffer.from(`${i}`), key: `k${i % 9}` }))
    const positions = await producer.send(messages)
    expect(new Set(positions.map(position => position?.ledgerId)).size).toBe(3)
    const reader = await client.createReader({ topic })
    const read: string[] = []
    while (await reader.hasNext()) read.push(...texts(await reader.read({ maxMessages: 100, timeoutMs: 1_000 })))
    expect(read.sort()).toEqual(messages.map(({ payload }) => `${payload}`).sort())
    const consumer = await subscribe(topic)
    const got = await take(consumer, 90)
    const [third] = got.filter(({ partition }) => partition === 2)
    await consumer.acknowledge(got)
    // The ledger says which partition is meant.
    await consumer.seek({ position: third?.position ?? { ledgerId: 0n, entryId: 0n, batchIndex: -1 } })
    const again = await take(consumer, got.filter(({ partition }) => partition === 2).length)
    expect(new Set(again.map(({ partition }) => partition))).toEqual(new Set([2]))
    await Promise.all([consumer.close(), producer.close(), reader.close()])
  })

  it('brings keys together where it may, so that Key_Shared keeps each with one consumer', async () => {
    const topic = freshTopic()
    const consumers = [await subscribe(topic, { type: 'Key_Shared' }), await subscribe(topic, { type: 'Key_Shared' })]
    const producer = await client.createProducer({ topic, batching: { keys: 'grouped' } })
    const positions = await producer.send(
      Array.from({ length: 300 }, (_, i) => ({ payload: Buffer.from(`${i}`), key: `k${i % 30}` })),
    )
    expect(new Set(positions.map(position => position?.entryId)).size).toBe(30)
    const owners = new Map<string, number>()
    const last = new Map<string, number>()
    for (let count = 0; count < 300; ) {
      for (const [i, consumer] of consumers.entries()) {
        for (const message of await consumer.receive({ maxMessages: 100, timeoutMs: 100 })) {
          const key = message.key ?? ''
          expect(owners.get(key) ?? i).toBe(i)
          owners.set(key, i)
          expect(Number(text(message))).toBeGreaterThan(last.get(key) ?? -1)
          last.set(key, Number(text(message)))
          expect(message.position).toEqual(positions[Number(text(message))])
          count += 1
        }
      }
    }
    expect(new Set(owners.values()).size).toBe(2)
    await Promise.all([...consumers.map(consumer => consumer.close()), producer.close()])
  })

  it('keeps messages with a time of delivery back from Shared subscriptions', async () => {
    const topic = freshTopic()
    const consumer = await subscribe(topic, { type: 'Shared' })
    const producer = await client.createProducer({ topic })
    const deliverAt = Date.now() + 1_500
    const delayed: PulsarOutgoingMessage = { payload: Buffer.from('later'), deliverAt }
    await producer.send([delayed, ...outgoing('now')])
    expect(texts(await take(consumer, 1))).toEqual(['now'])
    expect(text((await take(consumer, 1))[0])).toBe('later')
    // The broker's clock ticks in seconds for this.
    expect(Date.now()).toBeGreaterThanOrEqual(deliverAt - 1_000)
    await consumer.close()
    await producer.close()
  })

  it('begins again in the middle of a batch, and remembers what of it is acknowledged', async () => {
    const topic = freshTopic()
    const producer = await client.createProducer({ topic })
    const positions = await producer.send(outgoing(...numbered('m', 200)))
    const first = await subscribe(topic, { type: 'Shared' })
    const position = positions[150]
    if (position) await first.seek({ position })
    expect(texts(await take(first, 50))).toEqual(numbered('m', 200).slice(150))
    await first.seek('earliest')
    const messages = await take(first, 200)
    await first.acknowledge(messages.filter((_, i) => i % 2 === 0))
    await first.close()
    const second = await subscribe(topic, { type: 'Shared' })
    expect(texts(await take(second, 100))).toEqual(numbered('m', 200).filter((_, i) => i % 2 === 1))
    await second.close()
    await producer.close()
  })

  it('drops again what was sent before, whole batches or parts of them', async () => {
    const topic = freshTopic()
    const send = (producer: Awaited<ReturnType<typeof client.createProducer>>, from: number, to: number) =>
      producer.send(
        Array.from({ length: to - from }, (_, i) => ({
          payload: Buffer.from(`${from + i}`),
          sequenceId: BigInt(from + i),
        })),
      )
    const first = await client.createProducer({ topic, name: 'p' })
    await send(first, 0, 50)
    const again = await send(first, 30, 70)
    expect(again.map(position => position === null)).toEqual(Array.from({ length: 40 }, (_, i) => i < 20))
    await first.close()
    const second = await client.createProducer({ topic, name: 'p' })
    expect(second.lastSequenceId).toBe(69n)
    await send(second, 0, 100)
    const consumer = await subscribe(topic)
    expect(texts(await take(consumer, 100))).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`))
    expect(await consumer.receive({ maxMessages: 1, timeoutMs: 200 })).toEqual([])
    await consumer.close()
    await second.close()
  })

  it('bounds what is on its way: waits, or refuses where it is told to', async () => {
    const topic = freshTopic()
    const options = { topic, maxPendingMessages: 10, batching: { maxMessages: 5 } }
    const patient = await client.createProducer(options)
    const sent = await Promise.all(numbered('m', 100).map(value => patient.send(outgoing(value))))
    expect(sent.flat()).toHaveLength(100)
    const strict = await client.createProducer({ ...options, whenFull: 'reject' })
    const results = await Promise.allSettled(numbered('n', 100).map(value => strict.send(outgoing(value))))
    const refused = results.filter(({ status }) => status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]).toMatchObject({ reason: { code: 'PIO_PULSAR_QUEUE_FULL', retry: 'retry' } })
    await patient.close()
    await strict.close()
  })

  it('says what hinders, naming topic and fix', async () => {
    const missing = 'persistent://public/nowhere/t'
    await expect(client.createProducer({ topic: missing })).rejects.toThrow(/public\/nowhere/)
    await expect(connect({ serviceUrl: 'pulsar://127.0.0.1:1' })).rejects.toMatchObject({
      code: 'PIO_PULSAR_UNREACHABLE',
      retry: 'reconnect',
    })
    const topic = freshTopic()
    const avro = (type: string) => ({
      type: 'AVRO' as const,
      definition: JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'f', type }] }),
    })
    const first = await client.createProducer({ topic, schema: avro('long') })
    await expect(client.createProducer({ topic, schema: avro('string') })).rejects.toMatchObject({
      code: 'PIO_SCHEMA_INCOMPATIBLE',
      retry: 'stop',
    })
    await first.close()
  })

  it('tells a consumer that its topic was deleted', async () => {
    const topic = freshTopic()
    const consumer = await subscribe(topic)
    const waiting = consumer.receive({ maxMessages: 1 })
    await client.topics.delete(topic)
    await expect(waiting).rejects.toMatchObject({ code: 'PIO_TOPIC_DELETED' })
    await consumer.close()
  })
})
