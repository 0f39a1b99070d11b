import type { Position } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import { sleepUntil } from './clock.ts'
import { titled } from './sequencing.ts'
import { numbered, type Setup, texts } from './setup.ts'

/** Moving a subscription. */
export function seeking(setup: Setup): void {
  const { seekByTime } = setup.capabilities
  describe('seek', () => {
    it.each(['Exclusive', 'Shared'] as const)('MSG-61 goes back to the earliest message (%s)', async type => {
      const topic = setup.topic()
      await setup.client.topics.createSubscription(topic, 'keeps', 'earliest')
      await setup.publish(topic, 'a', 'b')
      const consumer = await setup.subscribe(topic, { type })
      await consumer.acknowledge(await setup.take(consumer, 2))
      await consumer.seek('earliest')
      expect(texts(await setup.take(consumer, 2))).toEqual(['a', 'b'])
      await consumer.close()
    })

    it('MSG-62 goes behind the latest message', async () => {
      const topic = setup.topic()
      await setup.publish(topic, 'a', 'b')
      const consumer = await setup.subscribe(topic)
      await consumer.seek('latest')
      await setup.publish(topic, 'c')
      expect(texts(await setup.take(consumer, 1))).toEqual(['c'])
      await consumer.close()
    })

    it('MSG-63 begins with the message at a position', async () => {
      const topic = setup.topic()
      const positions = await setup.publish(topic, ...numbered('m', 5))
      const consumer = await setup.subscribe(topic)
      await setup.take(consumer, 5)
      await consumer.seek({ position: positions[2] as Position })
      expect(texts(await setup.take(consumer, 3))).toEqual(['m2', 'm3', 'm4'])
      await consumer.close()
    })

    it.skipIf(!seekByTime)(titled('MSG-64 begins with the first message of a time', seekByTime), async () => {
      const topic = setup.topic()
      await setup.publish(topic, 'a', 'b')
      const consumer = await setup.subscribe(topic)
      const before = await setup.take(consumer, 2)
      const time = (before[1]?.publishTime ?? 0) + 5
      await sleepUntil(time + 5)
      await setup.publish(topic, 'c', 'd')
      await setup.take(consumer, 2)
      await consumer.seek({ time })
      expect(texts(await setup.take(consumer, 2))).toEqual(['c', 'd'])
      await consumer.seek({ time: 0 })
      expect(texts(await setup.take(consumer, 4))).toEqual(['a', 'b', 'c', 'd'])
      await consumer.close()
    })

    it('MSG-65 is there for the next consumer', async () => {
      const topic = setup.topic()
      const positions = await setup.publish(topic, ...numbered('m', 3))
      const first = await setup.subscribe(topic)
      await first.seek({ position: positions[1] as Position })
      await first.close()
      const second = await setup.subscribe(topic, {}, setup.other)
      expect(texts(await setup.take(second, 2))).toEqual(['m1', 'm2'])
      await second.close()
    })
  })
}
