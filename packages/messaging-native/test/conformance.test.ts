import { randomBytes } from 'node:crypto'
import type { Consumer, Message } from '@pulsar-io/messaging'
import { messagingConformance } from '@pulsar-io/messaging/conformance'
import { openPulsar, type PulsarClient } from '@pulsar-io/messaging-pulsar'
import type { Position } from '@pulsar-io/sdk'
import { service } from '@pulsar-io/tooling/services'
import { beforeAll, describe, expect, it } from 'vitest'
import { NATIVE_CAPABILITIES, type NativeClient, openNative } from '../src/index.ts'
import { realAddon } from './support/real-addon.ts'

const native = realAddon()
// A broker is only started for somebody who can use it.
const broker = native.available ? await service('pulsar') : { available: false as const, reason: native.reason }
const missing = native.available
  ? broker.available
    ? ''
    : ` (skipped: ${broker.reason})`
  : ` (skipped: ${native.reason})`

describe.skipIf(!native.available || !broker.available)(`with a broker and the addon${missing}`, () => {
  beforeAll(async () => {
    if (!broker.available) return
    const answer = await fetch(`${broker.adminUrl}/admin/v2/namespaces/public/default/deduplication`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: 'true',
    })
    if (!answer.ok) throw new Error(`deduplication: ${answer.status} ${await answer.text()}`)
  })

  messagingConformance('native', {
    makeClient: () => {
      if (!broker.available || !native.available) throw new Error(missing)
      return openNative({ serviceUrl: broker.url, adminUrl: broker.adminUrl, addon: native.addon })
    },
    capabilities: NATIVE_CAPABILITIES,
  })

  // Written in batches by somebody else: positions inside of entries are the consumer's business.
  describe('entries', () => {
    const name = () => `persistent://public/default/native-${randomBytes(6).toString('hex')}`
    const open = async () => {
      if (!broker.available || !native.available) throw new Error(missing)
      const { url: serviceUrl, adminUrl } = broker
      return [
        await openPulsar({ serviceUrl, adminUrl }),
        await openNative({ serviceUrl, adminUrl, addon: native.addon }),
      ]
    }
    const texts = (messages: readonly Message[]) => messages.map(({ payload }) => Buffer.from(payload ?? []).toString())

    it('of several messages are told apart, acknowledged one by one, and sought to', async () => {
      const topic = name()
      const [pulsar, own] = (await open()) as [PulsarClient, NativeClient]
      const producer = await pulsar.createProducer({ topic })
      const positions = await producer.send(['a', 'b', 'c', 'd'].map(payload => ({ payload: Buffer.from(payload) })))
      expect(new Set(positions.map(position => position?.entryId)).size).toBe(1)
      const options = { topics: [topic], initialPosition: 'Earliest' } as const
      const first = await own.subscribe({ ...options, subscription: 'a', type: 'Shared' })
      const messages = await receive(first, 4)
      expect(messages.map(({ position }) => position)).toEqual(positions)
      await first.acknowledge(messages.filter((_, i) => i !== 2))
      await first.close()
      const second = await own.subscribe({ ...options, subscription: 'a', type: 'Exclusive' })
      expect(texts(await receive(second, 1))).toEqual(['c'])
      const third = await own.subscribe({ ...options, subscription: 'b', type: 'Exclusive' })
      await third.seek({ position: positions[1] as Position })
      expect(texts(await receive(third, 3))).toEqual(['b', 'c', 'd'])
      expect(texts(await third.receive({ maxMessages: 10, timeoutMs: 300 }))).toEqual([])
      await own.close()
      await pulsar.close()
    })

    it('of one message each: more of them than may be on their way, and one in chunks, to one of several partitions', async () => {
      const topic = name()
      const [pulsar, own] = (await open()) as [PulsarClient, NativeClient]
      await own.topics.create(topic, { partitions: 3 })
      const producer = await own.createProducer({ topic })
      const large = { payload: Buffer.alloc(6 * 1024 * 1024, 'x'), key: 'k' }
      const sent = [...Array.from({ length: 12_000 }, (_, i) => ({ payload: Buffer.from(`${i}`), key: 'k' })), large]
      expect(await producer.send(sent)).toHaveLength(sent.length)
      const consumer = await own.subscribe({
        topics: [topic],
        subscription: 's',
        type: 'Failover',
        initialPosition: 'Earliest',
      })
      let count = 0
      while (count < sent.length) {
        const messages = await consumer.receive({ maxMessages: 1000, timeoutMs: 15_000 })
        expect(messages.map(({ payload }) => payload)).toEqual(
          sent.slice(count, count + messages.length).map(({ payload }) => payload),
        )
        if (messages.length === 0) break
        count += messages.length
        await consumer.acknowledgeCumulative(messages.at(-1) as Message)
      }
      expect(count).toBe(sent.length)
      await own.close()
      await pulsar.close()
    })

    it('of several messages are written where keys may mix', async () => {
      const topic = name()
      const [pulsar, own] = (await open()) as [PulsarClient, NativeClient]
      const producer = await own.createProducer({
        topic,
        batching: { keys: 'mixed', maxDelayMs: 20 },
        compression: 'ZSTD',
      })
      const sent = Array.from({ length: 100 }, (_, i) => ({ payload: Buffer.from(`${i}`), key: `k${i % 3}` }))
      const positions = await producer.send(sent)
      expect(new Set(positions.map(position => position?.entryId)).size).toBeLessThan(20)
      const reader = await pulsar.createReader({ topic })
      const read: Message[] = []
      while (read.length < 100) read.push(...(await reader.read({ maxMessages: 100, timeoutMs: 10_000 })))
      expect(texts(read)).toEqual(texts(sent as unknown as Message[]))
      expect(read.map(({ position }) => position)).toEqual(positions)
      await own.close()
      await pulsar.close()
    })
  })
})

async function receive(consumer: Consumer, count: number): Promise<readonly Message[]> {
  const messages: Message[] = []
  while (messages.length < count) {
    const more = await consumer.receive({ maxMessages: count - messages.length, timeoutMs: 15_000 })
    if (more.length === 0) break
    messages.push(...more)
  }
  return messages
}
