import { describe, expect, it } from 'vitest'
import type { Message } from '../message.ts'
import { titled } from './sequencing.ts'
import { numbered, type Setup, text, texts } from './setup.ts'

/** Subscription types: who gets what. */
export function subscribing(setup: Setup): void {
  const { activeConsumer } = setup.capabilities
  describe('subscriptions', () => {
    it('MSG-21 begins at the earliest or behind the latest message', async () => {
      const topic = setup.topic()
      await setup.publish(topic, 'old')
      const earliest = await setup.subscribe(topic, { subscription: 'e' })
      const latest = await setup.subscribe(topic, { subscription: 'l', initialPosition: 'Latest' })
      await setup.publish(topic, 'new')
      expect(texts(await setup.take(earliest, 2))).toEqual(['old', 'new'])
      expect(texts(await setup.take(latest, 1))).toEqual(['new'])
      await earliest.close()
      await latest.close()
    })

    it('MSG-22 gives every subscription every message', async () => {
      const topic = setup.topic()
      const consumers = [
        await setup.subscribe(topic, { subscription: 'a' }),
        await setup.subscribe(topic, { subscription: 'b', type: 'Shared' }, setup.other),
      ]
      await setup.publish(topic, 'x', 'y')
      for (const consumer of consumers) {
        expect(texts(await setup.take(consumer, 2))).toEqual(['x', 'y'])
        await consumer.close()
      }
    })

    it('MSG-23 refuses a second Exclusive consumer until the first is closed', async () => {
      const topic = setup.topic()
      const first = await setup.subscribe(topic)
      await expect(setup.subscribe(topic, {}, setup.other)).rejects.toMatchObject({ code: 'PIO_CONSUMER_BUSY' })
      await first.close()
      await (await setup.subscribe(topic, {}, setup.other)).close()
    })

    it('MSG-24 refuses another subscription type while one is in use', async () => {
      const topic = setup.topic()
      const first = await setup.subscribe(topic, { type: 'Shared' })
      await expect(setup.subscribe(topic, { type: 'Failover' }, setup.other)).rejects.toMatchObject({
        code: 'PIO_CONSUMER_BUSY',
      })
      await first.close()
      await (await setup.subscribe(topic, { type: 'Failover' }, setup.other)).close()
    })

    it('MSG-25 spreads messages over Shared consumers, each to one of them', async () => {
      const topic = setup.topic()
      const a = await setup.subscribe(topic, { type: 'Shared', maxUnsettled: 60 })
      const b = await setup.subscribe(topic, { type: 'Shared', maxUnsettled: 60 }, setup.other)
      const payloads = numbered('m', 100)
      // What is published at once may be handed out at once.
      for (let from = 0; from < 100; from += 10) await setup.publish(topic, ...payloads.slice(from, from + 10))
      const got: Message[] = []
      const each = [0, 0]
      await setup.until(
        async () => {
          for (const [i, consumer] of [a, b].entries()) {
            const batch = await consumer.receive({ maxMessages: 10, timeoutMs: 20 })
            each[i] = (each[i] ?? 0) + batch.length
            got.push(...batch)
            await consumer.acknowledge(batch)
          }
          return got.length
        },
        count => count >= 100,
      )
      expect(texts(got).sort()).toEqual([...payloads].sort())
      expect(Math.min(...each)).toBeGreaterThan(0)
      await a.close()
      await b.close()
    })

    it.skipIf(!activeConsumer)(
      titled('MSG-26 lets the next Failover consumer go on with what is not acknowledged', activeConsumer),
      async () => {
        const topic = setup.topic()
        const first = await setup.subscribe(topic, { type: 'Failover', name: 'a' })
        await setup.until(
          () => first.active,
          active => active,
        )
        // Of equal ones, a system may make either the active one.
        const second = await setup.subscribe(topic, { type: 'Failover', name: 'b', priority: 1 }, setup.other)
        const changes: boolean[] = []
        second.onActiveChange(active => changes.push(active))
        await setup.publish(topic, 'x', 'y', 'z')
        const [x] = await setup.take(first, 3)
        expect(text(x)).toBe('x')
        expect(await setup.unexpected(second)).toEqual([])
        expect(second.active).toBe(false)
        await first.acknowledge(x === undefined ? [] : [x])
        await first.close()
        expect(texts(await setup.take(second, 2))).toEqual(['y', 'z'])
        expect(second.active).toBe(true)
        expect(changes).toEqual([true])
        await second.close()
      },
    )

    it.skipIf(!activeConsumer)(
      titled('MSG-27 makes the Failover consumer of the lowest priority number the active one', activeConsumer),
      async () => {
        const topic = setup.topic()
        const low = await setup.subscribe(topic, { type: 'Failover', name: 'a', priority: 5 })
        const high = await setup.subscribe(topic, { type: 'Failover', name: 'b', priority: 1 }, setup.other)
        expect(
          await setup.until(
            () => [low.active, high.active],
            ([l, h]) => l === false && h === true,
          ),
        ).toEqual([false, true])
        await setup.publish(topic, 'x')
        expect(texts(await setup.take(high, 1))).toEqual(['x'])
        await low.close()
        await high.close()
      },
    )

    it('MSG-28 gives all messages of a key to one Key_Shared consumer, in order', async () => {
      const topic = setup.topic()
      const consumers = [
        await setup.subscribe(topic, { type: 'Key_Shared' }),
        await setup.subscribe(topic, { type: 'Key_Shared' }, setup.other),
      ]
      const messages = Array.from({ length: 200 }, (_, i) => ({ payload: Buffer.from(`${i}`), key: `k${i % 20}` }))
      await setup.send(topic, messages)
      const owners = new Map<string, Set<number>>()
      const last = new Map<string, number>()
      let count = 0
      await setup.until(
        async () => {
          for (const [i, consumer] of consumers.entries()) {
            const batch = await consumer.receive({ maxMessages: 30, timeoutMs: 20 })
            for (const message of batch) {
              const key = message.key ?? ''
              owners.set(key, (owners.get(key) ?? new Set()).add(i))
              expect(Number(text(message))).toBeGreaterThan(last.get(key) ?? -1)
              last.set(key, Number(text(message)))
            }
            count += batch.length
            await consumer.acknowledge(batch)
          }
          return count
        },
        sum => sum >= 200,
      )
      expect(count).toBe(200)
      expect([...owners.values()].map(({ size }) => size)).toEqual(new Array(20).fill(1))
      expect(new Set([...owners.values()].flatMap(set => [...set])).size).toBe(2)
      for (const consumer of consumers) await consumer.close()
    })

    it('MSG-38 gives a new Key_Shared consumer no message of a key while an earlier one is out elsewhere', async () => {
      const topic = setup.topic()
      const round = (n: number) =>
        Array.from({ length: 20 }, (_, i) => ({ payload: Buffer.from(`${n}:${i}`), key: `k${i}` }))
      const first = await setup.subscribe(topic, { type: 'Key_Shared' })
      await setup.send(topic, round(1))
      const held = await setup.take(first, 20)
      const second = await setup.subscribe(topic, { type: 'Key_Shared' }, setup.other)
      await setup.send(topic, round(2))
      expect(await setup.unexpected(second)).toEqual([])
      await first.acknowledge(held)
      const later: string[] = []
      const each = [0, 0]
      await setup.until(
        async () => {
          for (const [i, consumer] of [first, second].entries()) {
            const batch = await consumer.receive({ maxMessages: 20, timeoutMs: 20 })
            each[i] = (each[i] ?? 0) + batch.length
            later.push(...texts(batch))
          }
          return later.length
        },
        count => count >= 20,
      )
      expect(later.sort()).toEqual(
        round(2)
          .map(({ payload }) => payload.toString())
          .sort(),
      )
      expect(Math.min(...each)).toBeGreaterThan(0)
      await first.close()
      await second.close()
    })

    it('MSG-29 receives from several topics with one consumer', async () => {
      const topics = [setup.topic(), setup.topic()]
      const consumer = await setup.subscribe('', { topics })
      for (const topic of topics) await setup.publish(topic, topic)
      const messages = await setup.take(consumer, 2)
      expect(messages.map(message => [message.topic, text(message)]).sort()).toEqual(topics.map(t => [t, t]).sort())
      await consumer.acknowledge(messages)
      expect(
        await setup.until(
          () => consumer.backlog(),
          backlog => backlog === 0,
        ),
      ).toBe(0)
      await consumer.close()
    })

    it('MSG-30 joins topics of a pattern that are made later, from their first message on', async () => {
      const base = setup.topic()
      await setup.publish(`${base}-a`, 'a')
      const consumer = await setup.subscribe('', { topicsPattern: `${base}-.*`, type: 'Shared' })
      expect(texts(await setup.take(consumer, 1))).toEqual(['a'])
      await setup.publish(`${base}-b`, 'b')
      await setup.publish(`${base}x`, 'not ours')
      expect(texts(await setup.take(consumer, 1))).toEqual(['b'])
      expect(await setup.unexpected(consumer)).toEqual([])
      await consumer.close()
    })
  })
}
