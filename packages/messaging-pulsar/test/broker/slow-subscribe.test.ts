import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { broker, connect, freshTopic, unload } from '../support/broker.ts'
import { numbered, outgoing, take, texts } from '../support/receive.ts'

describe.skipIf(!broker.available)('a consumer that acknowledges while it subscribes again', () => {
  it.each(['Exclusive', 'Shared'] as const)(
    'goes on afterwards (%s)',
    async type => {
      const topic = freshTopic()
      const client = await connect()
      const consumer = await client.subscribe({ topics: [topic], subscription: 's', type, initialPosition: 'Earliest' })
      const producer = await client.createProducer({ topic })
      for (let round = 0; round < 4; round++) {
        const values = numbered(`${round}-`, 300)
        await producer.send(outgoing(...values))
        const held = await take(consumer, values.length)
        expect(texts(held)).toEqual(values)
        const moved = unload(topic)
        const acknowledged: Promise<void>[] = []
        // Each makes room for more, and the broker hears of room only from consumers that it knows.
        for (const message of held) {
          acknowledged.push(consumer.acknowledge([message]))
          await sleep(1)
        }
        await moved
        await Promise.all(acknowledged)
      }
      await client.close()
    },
    60_000,
  )
})
