import { describe, expect, it } from 'vitest'
import { sleepUntil } from './clock.ts'
import { titled } from './sequencing.ts'
import { numbered, type Setup, text, texts } from './setup.ts'

/** How messages come again. */
export function redelivering(setup: Setup): void {
  const { nackDelay } = setup.capabilities
  describe('redelivery', () => {
    it.each(['Exclusive', 'Shared'] as const)(
      'MSG-51 hands a refused message out again, and nothing else (%s)',
      async type => {
        const topic = setup.topic()
        await setup.publish(topic, ...numbered('m', 3))
        const consumer = await setup.subscribe(topic, { type, nackDelayMs: 10 })
        const messages = await setup.take(consumer, 3)
        consumer.negativeAcknowledge(messages.slice(1, 2))
        await consumer.acknowledge([messages[0], messages[2]].filter(message => message !== undefined))
        const [again] = await setup.take(consumer, 1)
        expect(text(again)).toBe('m1')
        expect(again?.position).toEqual(messages[1]?.position)
        await consumer.close()
      },
    )

    it('MSG-52 counts redeliveries of a Shared subscription', async () => {
      const topic = setup.topic()
      await setup.publish(topic, 'a')
      const consumer = await setup.subscribe(topic, { type: 'Shared', nackDelayMs: 1 })
      for (let count = 0; count < 4; count += 1) {
        const messages = await setup.take(consumer, 1)
        expect(messages[0]?.redeliveryCount).toBe(count)
        consumer.negativeAcknowledge(messages)
      }
      await consumer.close()
    })

    it.skipIf(!nackDelay)(titled('MSG-53 keeps a refused message back for its delay', nackDelay), async () => {
      const topic = setup.topic()
      await setup.publish(topic, 'a')
      const consumer = await setup.subscribe(topic, { type: 'Shared', nackDelayMs: 60_000 })
      const messages = await setup.take(consumer, 1)
      const refused = Date.now()
      consumer.negativeAcknowledge(messages, 400)
      const again = await setup.take(consumer, 1)
      expect(again).toHaveLength(1)
      // A timer may fire a little early.
      expect(Date.now() - refused).toBeGreaterThanOrEqual(390)
      await consumer.close()
    })

    it('MSG-54 hands out again what was not settled in time', async () => {
      const topic = setup.topic()
      await setup.publish(topic, 'a', 'b')
      const consumer = await setup.subscribe(topic, { type: 'Shared', ackTimeoutMs: 1_000 })
      const messages = await setup.take(consumer, 2)
      await consumer.acknowledge(messages.slice(0, 1))
      expect(texts(await setup.take(consumer, 1))).toEqual(['b'])
      await consumer.close()
    })

    it('MSG-55 gives what a closed consumer had to the others', async () => {
      const topic = setup.topic()
      await setup.publish(topic, 'a', 'b')
      const first = await setup.subscribe(topic, { type: 'Shared' })
      expect(await setup.take(first, 2)).toHaveLength(2)
      const second = await setup.subscribe(topic, { type: 'Shared' }, setup.other)
      expect(await setup.unexpected(second)).toEqual([])
      await first.close()
      expect(texts(await setup.take(second, 2)).sort()).toEqual(['a', 'b'])
      await second.close()
    })

    it('MSG-56 accepts the acknowledgement of a message that was refused', async () => {
      const topic = setup.topic()
      await setup.publish(topic, 'a')
      const consumer = await setup.subscribe(topic, { type: 'Shared', nackDelayMs: 200 })
      const messages = await setup.take(consumer, 1)
      const due = Date.now() + 200
      consumer.negativeAcknowledge(messages)
      await consumer.acknowledge(messages)
      await sleepUntil(due)
      expect(
        await setup.until(
          () => consumer.backlog(),
          backlog => backlog === 0,
        ),
      ).toBe(0)
      await consumer.close()
    })
  })
}
