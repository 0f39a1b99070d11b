import type { Position } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import { numbered, type Setup, texts } from './setup.ts'

/** Readers. */
export function reading(setup: Setup): void {
  describe('readers', () => {
    const read = async (reader: Awaited<ReturnType<Setup['client']['createReader']>>, count: number) => {
      const messages: string[] = []
      await setup.until(
        async () => {
          messages.push(...texts(await reader.read({ maxMessages: count - messages.length, timeoutMs: 1_000 })))
          return messages.length
        },
        length => length >= count,
      )
      return messages
    }

    it('MSG-71 reads everything from the earliest message on, and knows when there is no more', async () => {
      const topic = setup.topic()
      await setup.publish(topic, ...numbered('m', 5))
      const reader = await setup.client.createReader({ topic })
      expect(await reader.hasNext()).toBe(true)
      expect(await read(reader, 5)).toEqual(numbered('m', 5))
      expect(await reader.hasNext()).toBe(false)
      await setup.publish(topic, 'more')
      expect(await reader.hasNext()).toBe(true)
      expect(await read(reader, 1)).toEqual(['more'])
      await reader.close()
    })

    it('MSG-72 starts behind a position, or with it', async () => {
      const topic = setup.topic()
      const positions = await setup.publish(topic, ...numbered('m', 4))
      const from = { position: positions[1] as Position }
      const behind = await setup.client.createReader({ topic, from })
      expect(await read(behind, 2)).toEqual(['m2', 'm3'])
      await behind.close()
      const inclusive = await setup.client.createReader({ topic, from, inclusive: true })
      expect(await read(inclusive, 3)).toEqual(['m1', 'm2', 'm3'])
      await inclusive.close()
    })

    it('MSG-73 starts behind the latest message', async () => {
      const topic = setup.topic()
      await setup.publish(topic, 'old')
      const reader = await setup.client.createReader({ topic, from: 'latest' })
      expect(await reader.hasNext()).toBe(false)
      await setup.publish(topic, 'new')
      expect(await read(reader, 1)).toEqual(['new'])
      await reader.close()
    })

    it('MSG-74 seeks', async () => {
      const topic = setup.topic()
      const positions = await setup.publish(topic, ...numbered('m', 3))
      const reader = await setup.client.createReader({ topic })
      await read(reader, 3)
      await reader.seek('earliest')
      expect(await read(reader, 3)).toEqual(numbered('m', 3))
      await reader.seek({ position: positions[2] as Position })
      expect(await read(reader, 1)).toEqual(['m2'])
      await reader.close()
    })

    it('MSG-75 leaves no subscription behind', async () => {
      const topic = setup.topic()
      await setup.publish(topic, 'a')
      const reader = await setup.client.createReader({ topic })
      await read(reader, 1)
      await reader.close()
      expect((await setup.client.topics.stats(topic)).subscriptions).toEqual([])
    })
  })
}
