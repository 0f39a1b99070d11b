import { describe, expect, it } from 'vitest'
import { numbered, type Setup, texts } from './setup.ts'

/** What an acknowledgement keeps away for good. */
export function acknowledging(setup: Setup): void {
  describe('acknowledging', () => {
    it.each(['Exclusive', 'Shared', 'Failover', 'Key_Shared'] as const)(
      'MSG-41 hands what is not acknowledged to the next consumer, and nothing else (%s)',
      async type => {
        const topic = setup.topic()
        await setup.publish(topic, ...numbered('m', 6))
        const first = await setup.subscribe(topic, { type })
        const messages = await setup.take(first, 6)
        await first.acknowledge(messages.filter((_, i) => i % 2 === 0))
        expect(
          await setup.until(
            () => first.backlog(),
            backlog => backlog === 3,
          ),
        ).toBe(3)
        await first.close()
        const second = await setup.subscribe(topic, { type }, setup.other)
        expect(texts(await setup.take(second, 3))).toEqual(['m1', 'm3', 'm5'])
        expect(await setup.unexpected(second)).toEqual([])
        await second.close()
      },
    )

    it.each(['Exclusive', 'Failover'] as const)('MSG-42 acknowledges everything up to a message (%s)', async type => {
      const topic = setup.topic()
      await setup.publish(topic, ...numbered('m', 6))
      const first = await setup.subscribe(topic, { type })
      const messages = await setup.take(first, 6)
      await first.acknowledgeCumulative(messages[3] as (typeof messages)[number])
      await first.close()
      const second = await setup.subscribe(topic, { type })
      expect(texts(await setup.take(second, 2))).toEqual(['m4', 'm5'])
      await second.close()
    })

    it.each(['Shared', 'Key_Shared'] as const)('MSG-43 refuses a cumulative acknowledgement (%s)', async type => {
      const topic = setup.topic()
      await setup.publish(topic, 'a')
      const consumer = await setup.subscribe(topic, { type })
      const [message] = await setup.take(consumer, 1)
      await expect(consumer.acknowledgeCumulative(message as NonNullable<typeof message>)).rejects.toThrow()
      await consumer.close()
    })

    it('MSG-44 counts what is not acknowledged, received or not', async () => {
      const topic = setup.topic()
      const consumer = await setup.subscribe(topic)
      expect(await consumer.backlog()).toBe(0)
      await setup.publish(topic, 'a', 'b', 'c')
      expect(
        await setup.until(
          () => consumer.backlog(),
          backlog => backlog === 3,
        ),
      ).toBe(3)
      const messages = await setup.take(consumer, 3)
      await consumer.acknowledge(messages)
      expect(
        await setup.until(
          () => consumer.backlog(),
          backlog => backlog === 0,
        ),
      ).toBe(0)
      await consumer.close()
    })

    it('MSG-45 takes an acknowledgement twice', async () => {
      const topic = setup.topic()
      await setup.publish(topic, 'a', 'b')
      const consumer = await setup.subscribe(topic, { type: 'Shared' })
      const messages = await setup.take(consumer, 2)
      await consumer.acknowledge(messages.slice(0, 1))
      await consumer.acknowledge(messages)
      await consumer.acknowledge([])
      expect(
        await setup.until(
          () => consumer.backlog(),
          backlog => backlog === 0,
        ),
      ).toBe(0)
      await consumer.close()
    })

    it('MSG-46 forgets a subscription that is deleted', async () => {
      const topic = setup.topic()
      const first = await setup.subscribe(topic)
      await setup.publish(topic, 'a')
      await first.acknowledge(await setup.take(first, 1))
      await first.unsubscribe()
      await setup.publish(topic, 'b')
      const second = await setup.subscribe(topic, { initialPosition: 'Latest' })
      expect(await setup.unexpected(second)).toEqual([])
      await second.close()
    })
  })
}
