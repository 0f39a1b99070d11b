import type { Message } from '@pulsar-io/messaging'
import { python } from '@pulsar-io/tooling/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CompressionType, PulsarClient } from '../../src/index.ts'
import { COMPRESSION_TYPES } from '../../src/wire/compression.ts'
import { broker, connect, freshTopic } from '../support/broker.ts'
import { type PeerMessage, PythonPeer } from './python-peer.ts'

const interpreter = await python('pulsar-client==3.13.0', 'fastavro==1.12.1')

/** One line of the table: what was written, and how each direction went. */
interface Row {
  readonly what: string
  readonly 'python writes, we read': string
  readonly 'we write, python reads': string
}

const rows = new Map<string, Row>()

/** Notes how a direction went; a failure stays the failure of the test. */
async function noted(what: string, direction: keyof Omit<Row, 'what'>, work: () => Promise<number>): Promise<void> {
  const row = rows.get(what) ?? { what, 'python writes, we read': '-', 'we write, python reads': '-' }
  rows.set(what, { ...row, [direction]: 'FAILED' })
  const count = await work()
  rows.set(what, { ...row, [direction]: `${count} messages` })
}

/** Bytes that a compressor can do something with, and one it cannot. */
function payload(size: number, seed: number): string {
  const bytes = Buffer.alloc(size)
  for (let i = 0; i < size; i++) bytes[i] = i % 7 === 0 ? (Math.imul(i + seed, 2654435761) >>> 24) & 0xff : i % 251
  return bytes.toString('base64')
}

/** Everything that a message can carry, in sizes from nothing to larger than a batch. */
const EVERYTHING: readonly PeerMessage[] = Array.from({ length: 60 }, (_, i) => ({
  payload: payload([0, 1, 100, 5_000, 200_000][i % 5] ?? 0, i),
  ...(i % 2 === 0 ? { key: `key ${i % 6} ä日本😀` } : {}),
  ...(i % 3 === 0 ? { orderingKey: `order-${i}` } : {}),
  ...(i % 4 === 0 ? { properties: { n: `${i}`, 'ключ ✓': 'значение', empty: '' } } : {}),
  ...(i % 5 === 0 ? { eventTime: 1_700_000_000_123 + i } : {}),
}))

/** Larger than a broker takes in one piece. */
const LARGE: readonly PeerMessage[] = [12_000_000, 10, 6_000_000].map((size, i) => ({
  payload: payload(size, i),
  properties: { i: `${i}` },
}))

const KEYED: readonly PeerMessage[] = Array.from({ length: 120 }, (_, i) => ({
  payload: payload(20, i),
  key: `customer-${i % 12}`,
}))

/** In the words of the peer; what is absent is empty there. */
const normal = (message: PeerMessage) => ({
  payload: message.payload,
  key: message.key ?? '',
  orderingKey: message.orderingKey ?? '',
  properties: message.properties ?? {},
  eventTime: message.eventTime ?? 0,
})

const ofOurs = (message: Message) =>
  normal({
    ...message,
    sequenceId: `${message.sequenceId}`,
    payload: Buffer.from(message.payload ?? []).toString('base64'),
  })

describe.skipIf(!broker.available || !interpreter.available)('beside the Python client', () => {
  let peer: PythonPeer
  let client: PulsarClient

  beforeAll(async () => {
    if (!broker.available || !interpreter.available) return
    peer = new PythonPeer(interpreter, broker.url)
    client = await connect()
  })

  afterAll(async () => {
    await client?.close()
    await peer?.close()
    console.table([...rows.values()])
  })

  async function take(topic: string, count: number): Promise<Message[]> {
    const consumer = await client.subscribe({
      topics: [topic],
      subscription: 'interop',
      type: 'Exclusive',
      initialPosition: 'Earliest',
    })
    const messages: Message[] = []
    while (messages.length < count) {
      const batch = await consumer.receive({ maxMessages: count - messages.length, timeoutMs: 15_000 })
      if (batch.length === 0) throw new Error(`${messages.length} of ${count} messages came`)
      // The payload is valid until the message is settled.
      messages.push(...batch.map(message => ({ ...copy(message), payload: Uint8Array.from(message.payload ?? []) })))
      await consumer.acknowledge(batch)
    }
    await consumer.close()
    return messages
  }

  async function write(
    topic: string,
    messages: readonly PeerMessage[],
    options: { compression?: CompressionType; batched?: boolean },
  ): Promise<void> {
    const { batched, ...rest } = options
    const producer = await client.createProducer({
      topic,
      ...rest,
      batching: { enabled: batched ?? true, keys: 'mixed' },
    })
    await producer.send(
      messages.map(({ sequenceId: _, ...message }) => ({
        ...message,
        payload: Buffer.from(message.payload, 'base64'),
      })),
    )
    await producer.close()
  }

  describe.each(COMPRESSION_TYPES)('%s', compression => {
    it.each([
      ['batched', true, false, EVERYTHING],
      ['one by one', false, false, EVERYTHING],
      ['chunked', false, true, LARGE],
    ] as const)(
      '%s',
      async (how, batched, chunked, messages) => {
        const what = `${compression}, ${how}`
        await noted(what, 'python writes, we read', async () => {
          const topic = freshTopic()
          await peer.produce({ topic, compression, batched, chunked, messages })
          const received = await take(topic, messages.length)
          expect(received.map(ofOurs)).toEqual(messages.map(normal))
          return received.length
        })
        await noted(what, 'we write, python reads', async () => {
          const topic = freshTopic()
          await write(topic, messages, { compression, batched })
          const received = await peer.consume(topic, messages.length)
          expect(received.map(normal)).toEqual(messages.map(normal))
          return received.length
        })
      },
      120_000,
    )
  })

  it('keep each key in one partition, in order', async () => {
    const what = '4 partitions, keyed'
    const [theirs, ours] = [freshTopic(), freshTopic()]
    for (const topic of [theirs, ours]) await client.topics.create(topic, { partitions: 4 })
    await noted(what, 'python writes, we read', async () => {
      await peer.produce({ topic: theirs, compression: 'NONE', batched: true, chunked: false, messages: KEYED })
      const received = await take(theirs, KEYED.length)
      expect(orders(received.map(message => ({ ...ofOurs(message), partition: message.partition })))).toEqual(expected)
      return received.length
    })
    await noted(what, 'we write, python reads', async () => {
      await write(ours, KEYED, {})
      const received = await peer.consume(ours, KEYED.length)
      expect(orders(received)).toEqual(expected)
      return received.length
    })
  })

  it('tell a tombstone from an empty message', async () => {
    const topic = freshTopic()
    await noted('tombstone', 'we write, python reads', async () => {
      const producer = await client.createProducer({ topic, batching: { enabled: false } })
      await producer.send([
        { key: 'k', payload: null },
        { key: 'k', payload: Buffer.alloc(0) },
      ])
      await producer.close()
      const received = await peer.consume(topic, 2)
      expect(received.map(({ tombstone }) => tombstone)).toEqual([true, false])
      return received.length
    })
  })

  it('keep sequence ids and names of producers', async () => {
    const topic = freshTopic()
    const name = 'a producer ä'
    // Beyond what a number of JavaScript holds.
    const ids = [5n, 2n ** 53n + 1n, 2n ** 62n]
    await noted('sequence ids up to 2^62', 'python writes, we read', async () => {
      const messages = ids.map(id => ({ payload: payload(3, 1), sequenceId: `${id}` }))
      await peer.produce({ topic, compression: 'NONE', batched: false, chunked: false, name, messages })
      const received = await take(topic, ids.length)
      expect(received.map(({ sequenceId }) => sequenceId)).toEqual(ids)
      expect(received.map(({ producerName }) => producerName)).toEqual(ids.map(() => name))
      return received.length
    })
    await noted('sequence ids up to 2^62', 'we write, python reads', async () => {
      const ours = freshTopic()
      const producer = await client.createProducer({ topic: ours, name })
      await producer.send(ids.map(sequenceId => ({ payload: Buffer.from('x'), sequenceId })))
      await producer.close()
      const received = await peer.consume(ours, ids.length)
      expect(received.map(({ producerName }) => producerName)).toEqual(ids.map(() => name))
      return received.length
    })
  })

  it.each([
    ['STRING', ['', 'text ä日本😀']],
    ['JSON', ['{"name":"Ada","age":36}', '{"name":"ä日本😀","age":-1}']],
    ['AVRO', ['{"name":"Ada","age":36}', '{"name":"ä日本😀","age":-1}']],
  ] as const)('%s schema', async (schema, texts) => {
    const what = `schema ${schema}`
    const theirs = freshTopic()
    let written: Message[] = []
    await noted(what, 'python writes, we read', async () => {
      const messages = texts.map(text => ({ payload: text }))
      await peer.produce({ topic: theirs, compression: 'NONE', batched: true, chunked: false, schema, messages })
      written = await take(theirs, texts.length)
      expect(written.map(message => message.schema?.type)).toEqual(texts.map(() => schema))
      if (schema === 'STRING') expect(written.map(({ payload }) => text(payload))).toEqual(texts)
      if (schema === 'JSON') {
        expect(written.map(({ payload }) => JSON.parse(text(payload)))).toEqual(texts.map(each => JSON.parse(each)))
      }
      const definition = written[0]?.schema?.definition
      if (schema !== 'STRING') expect(JSON.parse(definition ?? '')).toMatchObject({ type: 'record', name: 'Person' })
      return written.length
    })
    await noted(what, 'we write, python reads', async () => {
      const ours = freshTopic()
      const info = written[0]?.schema
      if (!info) throw new Error('the schema of the first message did not come')
      const producer = await client.createProducer({ topic: ours, schema: info })
      await producer.send(written.map(({ payload }) => ({ payload })))
      await producer.close()
      const received = await peer.consume(ours, texts.length, schema)
      const value = (each: string): unknown => (schema === 'STRING' ? each : JSON.parse(each))
      expect(received.map(message => value(message.payload))).toEqual(texts.map(value))
      return received.length
    })
  })
})

const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString()

/** The payloads of each key, in the order in which they came. @throws when a key is in several partitions. */
function orders(messages: readonly (PeerMessage & { readonly partition: number })[]): ReadonlyMap<string, string[]> {
  const places = new Map<string, number>()
  const payloads = new Map<string, string[]>()
  for (const { key = '', partition, payload: bytes } of messages) {
    expect(partition).toBe(places.get(key) ?? partition)
    places.set(key, partition)
    payloads.set(key, [...(payloads.get(key) ?? []), bytes])
  }
  expect(new Set(places.values()).size).toBeGreaterThan(1)
  return payloads
}

const expected = new Map(
  [...Map.groupBy(KEYED, ({ key }) => key ?? '')].map(([key, messages]) => [key, messages.map(each => each.payload)]),
)

/** Getters of the message become fields. */
function copy(message: Message): Message {
  const { topic, partition, position, key, orderingKey, size, properties, eventTime, publishTime } = message
  const { producerName, sequenceId, redeliveryCount, schema, payload } = message
  return {
    ...{ topic, partition, position, key, orderingKey, size, properties, eventTime, publishTime },
    ...{ producerName, sequenceId, redeliveryCount, schema, payload },
  }
}
