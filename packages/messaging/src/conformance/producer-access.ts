import { describe, expect, it } from 'vitest'
import { outgoing, type Setup } from './setup.ts'

/** Who may produce next to whom. */
export function producerAccess(setup: Setup): void {
  describe('producer access', () => {
    it('MSG-15 lets any number of producers share a topic', async () => {
      const topic = setup.topic()
      const producers = [
        await setup.client.createProducer({ topic }),
        await setup.other.createProducer({ topic }),
        await setup.client.createProducer({ topic, name: 'named' }),
      ]
      await Promise.all(producers.map(producer => producer.send(outgoing('m'))))
      const consumer = await setup.subscribe(topic)
      expect(await setup.take(consumer, 3)).toHaveLength(3)
      for (const producer of producers) await producer.close()
      await consumer.close()
    })

    it('MSG-16 refuses a second producer of the same name', async () => {
      const topic = setup.topic()
      const first = await setup.client.createProducer({ topic, name: 'p' })
      await expect(setup.other.createProducer({ topic, name: 'p' })).rejects.toMatchObject({
        code: 'PIO_PRODUCER_BUSY',
      })
      await first.close()
      await (await setup.other.createProducer({ topic, name: 'p' })).close()
    })

    it('MSG-17 gives a topic to one exclusive producer', async () => {
      const topic = setup.topic()
      const first = await setup.client.createProducer({ topic, access: 'Exclusive' })
      for (const access of ['Exclusive', 'Shared'] as const) {
        await expect(setup.other.createProducer({ topic, access })).rejects.toMatchObject({ code: 'PIO_PRODUCER_BUSY' })
      }
      await first.close()
      await (await setup.other.createProducer({ topic })).close()
    })

    it('MSG-18 waits for exclusive access until it is free', async () => {
      const topic = setup.topic()
      const first = await setup.client.createProducer({ topic, access: 'Exclusive' })
      let open = false
      const waiting = setup.other.createProducer({ topic, access: 'WaitForExclusive' }).then(producer => {
        open = true
        return producer
      })
      await first.send(outgoing('a'))
      expect(open).toBe(false)
      await first.close()
      await (await waiting).close()
    })

    it('MSG-19 ends waiting for exclusive access when the signal aborts', async () => {
      const topic = setup.topic()
      const first = await setup.client.createProducer({ topic, access: 'Exclusive' })
      const controller = new AbortController()
      const waiting = setup.other.createProducer({ topic, access: 'WaitForExclusive', signal: controller.signal })
      setTimeout(() => controller.abort(), 20)
      await expect(waiting).rejects.toThrow()
      await first.close()
    })

    it.each(['Exclusive', 'ExclusiveWithFencing'] as const)(
      'MSG-20 fences a producer that is there: %s',
      async access => {
        const topic = setup.topic()
        const first = await setup.client.createProducer({ topic, access })
        await first.send(outgoing('a'))
        const second = await setup.other.createProducer({ topic, access: 'ExclusiveWithFencing' })
        await expect(first.send(outgoing('b'))).rejects.toMatchObject({ code: 'PIO_PRODUCER_FENCED' })
        await second.send(outgoing('c'))
        await expect(first.send(outgoing('d'))).rejects.toMatchObject({ code: 'PIO_PRODUCER_FENCED' })
        await second.send(outgoing('e'))
        await first.close()
        await second.close()
      },
    )
  })
}
