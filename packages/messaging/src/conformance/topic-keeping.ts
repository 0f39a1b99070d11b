import { describe, expect, it } from 'vitest'
import { titled } from './sequencing.ts'
import { numbered, type Setup, text, texts } from './setup.ts'

/** Topics as things to look after. */
export function topicKeeping(setup: Setup): void {
  const { deduplication, partitions } = setup.capabilities
  describe('topics', () => {
    it('MSG-81 makes, lists and deletes topics', async () => {
      const topic = setup.topic()
      const { topics } = setup.client
      expect(await topics.exists(topic)).toBe(false)
      await topics.create(topic)
      await topics.create(topic)
      expect(await setup.other.topics.exists(topic)).toBe(true)
      expect(await topics.list(topic)).toEqual([topic])
      expect(await topics.partitions(topic)).toBe(0)
      await topics.delete(topic)
      expect(await topics.exists(topic)).toBe(false)
    })

    it('MSG-82 begins anew with a topic that was deleted and made again', async () => {
      const topic = setup.topic()
      const [old] = await setup.publish(topic, 'old')
      await setup.client.topics.delete(topic)
      const [fresh] = await setup.publish(topic, 'new')
      const consumer = await setup.subscribe(topic)
      expect(texts(await setup.take(consumer, 1))).toEqual(['new'])
      expect(await setup.unexpected(consumer)).toEqual([])
      expect(fresh?.ledgerId).toBeGreaterThan(old?.ledgerId ?? 0n)
      await consumer.close()
    })

    it('MSG-83 counts messages, producers, consumers and backlog', async () => {
      const topic = setup.topic()
      const consumer = await setup.subscribe(topic, { type: 'Shared' })
      const producer = await setup.client.createProducer({ topic })
      await producer.send(numbered('m', 3).map(payload => ({ payload: Buffer.from(payload) })))
      await consumer.acknowledge((await setup.take(consumer, 3)).slice(0, 1))
      const stats = await setup.until(
        () => setup.other.topics.stats(topic),
        ({ subscriptions }) => subscriptions[0]?.backlog === 2,
      )
      expect(stats).toMatchObject({ topic, partitions: 0, producers: 1 })
      expect(stats.subscriptions).toMatchObject([{ name: 'sub', type: 'Shared', backlog: 2, consumers: 1 }])
      await producer.close()
      await consumer.close()
    })

    it('MSG-84 makes a subscription ahead of its consumer', async () => {
      const topic = setup.topic()
      await setup.client.topics.createSubscription(topic, 'sub', 'earliest')
      await setup.publish(topic, 'a')
      const consumer = await setup.subscribe(topic, { initialPosition: 'Latest' })
      expect(texts(await setup.take(consumer, 1))).toEqual(['a'])
      await consumer.close()
      await setup.client.topics.deleteSubscription(topic, 'sub')
      expect((await setup.client.topics.stats(topic)).subscriptions).toEqual([])
    })

    it('MSG-85 refuses a topic that is not there where it would not make one', async () => {
      await expect(setup.client.topics.stats(setup.topic())).rejects.toThrow()
      await expect(setup.client.topics.setRetention(setup.topic(), { sizeBytes: 0, timeMs: 0 })).rejects.toThrow()
    })

    it.skipIf(!partitions)(titled('MSG-86 keeps each key in one partition, in order', partitions), async () => {
      const topic = setup.topic()
      await setup.client.topics.create(topic, { partitions: 3 })
      expect(await setup.client.topics.partitions(topic)).toBe(3)
      const sent = Array.from({ length: 60 }, (_, i) => ({ payload: Buffer.from(`${i}`), key: `k${i % 6}` }))
      const positions = await setup.send(topic, sent)
      const consumer = await setup.subscribe(topic)
      const messages = await setup.take(consumer, 60)
      expect(
        texts(messages)
          .map(Number)
          .sort((a, b) => a - b),
      ).toEqual(sent.map((_, i) => i))
      const places = new Map<string, Set<number>>()
      const last = new Map<string, number>()
      for (const message of messages) {
        const key = message.key ?? ''
        places.set(key, (places.get(key) ?? new Set()).add(message.partition))
        expect(Number(text(message))).toBeGreaterThan(last.get(key) ?? -1)
        last.set(key, Number(text(message)))
        expect(message.topic).toBe(topic)
        expect(message.position).toEqual(positions[Number(text(message))])
      }
      expect([...places.values()].map(({ size }) => size)).toEqual(new Array(6).fill(1))
      expect(new Set(messages.map(({ partition }) => partition)).size).toBeGreaterThan(1)
      await consumer.acknowledge(messages)
      expect(
        await setup.until(
          () => consumer.backlog(),
          backlog => backlog === 0,
        ),
      ).toBe(0)
      await consumer.close()
    })

    it.skipIf(!deduplication)(
      titled('MSG-87 tells that repeated sequence ids are dropped', deduplication),
      async () => {
        const topic = setup.topic()
        expect(await setup.client.topics.deduplication(topic)).toBe('on')
        await setup.publish(topic, 'a')
        expect(await setup.other.topics.deduplication(topic)).toBe('on')
      },
    )
  })
}
