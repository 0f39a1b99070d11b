import { describe, expect, it } from 'vitest'
import { numbered, type Setup, texts } from './setup.ts'

/** The bounds of `receive`. */
export function receiving(setup: Setup): void {
  describe('receiving', () => {
    it('MSG-31 returns at most maxMessages, and the rest later', async () => {
      const topic = setup.topic()
      await setup.publish(topic, ...numbered('m', 10))
      const consumer = await setup.subscribe(topic)
      const first = await consumer.receive({ maxMessages: 4, timeoutMs: 5_000 })
      expect(first.length).toBeLessThanOrEqual(4)
      expect(texts([...first, ...(await setup.take(consumer, 10 - first.length))])).toEqual(numbered('m', 10))
      await consumer.close()
    })

    it('MSG-32 returns at most maxBytes, but always one message', async () => {
      const topic = setup.topic()
      await setup.publish(topic, ...Array.from({ length: 5 }, () => 'x'.repeat(1000)))
      const consumer = await setup.subscribe(topic)
      const first = await consumer.receive({ maxMessages: 10, maxBytes: 10, timeoutMs: 5_000 })
      expect(first).toHaveLength(1)
      const second = await consumer.receive({ maxMessages: 10, maxBytes: 2_500, timeoutMs: 5_000 })
      expect([1, 2]).toContain(second.length)
      await consumer.close()
    })

    it('MSG-33 answers with nothing when the time is up', async () => {
      const consumer = await setup.subscribe(setup.topic())
      expect(await consumer.receive({ maxMessages: 1, timeoutMs: 30 })).toEqual([])
      await consumer.close()
    })

    it('MSG-34 stops waiting when the signal aborts', async () => {
      const consumer = await setup.subscribe(setup.topic())
      const controller = new AbortController()
      const waiting = consumer.receive({ maxMessages: 1, signal: controller.signal })
      setTimeout(() => controller.abort(), 20)
      expect(await waiting).toEqual([])
      await consumer.close()
    })

    it('MSG-35 wakes a waiting receive for a message of another client', async () => {
      const topic = setup.topic()
      const consumer = await setup.subscribe(topic, {}, setup.other)
      const waiting = consumer.receive({ maxMessages: 1, timeoutMs: 10_000 })
      await setup.publish(topic, 'hello')
      expect(texts(await waiting)).toEqual(['hello'])
      await consumer.close()
    })

    it.each(['Exclusive', 'Shared'] as const)('MSG-36 hands out at most maxUnsettled (%s)', async type => {
      const topic = setup.topic()
      await setup.publish(topic, ...numbered('m', 5))
      const consumer = await setup.subscribe(topic, { type, maxUnsettled: 3 })
      const first = await setup.take(consumer, 3)
      expect(await setup.unexpected(consumer)).toEqual([])
      await consumer.acknowledge(first.slice(0, 2))
      expect(texts(await setup.take(consumer, 2))).toEqual(['m3', 'm4'])
      await consumer.close()
    })

    it('MSG-37 ends a waiting receive when the consumer is closed', async () => {
      const consumer = await setup.subscribe(setup.topic())
      const waiting = consumer.receive({ maxMessages: 1 }).then(
        messages => messages.length,
        () => 'refused',
      )
      await consumer.close()
      await consumer.close()
      expect([0, 'refused']).toContain(await waiting)
    })
  })
}
