import { describe, expect, it } from 'vitest'
import { outgoing, type Setup, text, texts } from './setup.ts'

/** Sequence ids, and what is dropped because of them. */
export function sequencing(setup: Setup): void {
  const { deduplication, lastSequenceId, messageSequenceIds } = setup.capabilities
  describe('sequence ids', () => {
    it.skipIf(!messageSequenceIds)(titled('MSG-10 counts by itself from 0 on', messageSequenceIds), async () => {
      const topic = setup.topic()
      await setup.publish(topic, 'a', 'b')
      const consumer = await setup.subscribe(topic)
      expect((await setup.take(consumer, 2)).map(({ sequenceId }) => sequenceId)).toEqual([0n, 1n])
      await consumer.close()
    })

    it('MSG-11 refuses to mix given sequence ids with its own', async () => {
      const producer = await setup.client.createProducer({ topic: setup.topic() })
      await expect(
        producer.send([{ payload: Buffer.from('a'), sequenceId: 1n }, { payload: Buffer.from('b') }]),
      ).rejects.toThrow(/sequence/i)
      await producer.close()
    })

    it.skipIf(!lastSequenceId)(titled('MSG-12 remembers the last sequence id of a name', lastSequenceId), async () => {
      const topic = setup.topic()
      const first = await setup.client.createProducer({ topic, name: 'p' })
      expect(first.lastSequenceId).toBe(-1n)
      await first.send([{ payload: Buffer.from('a'), sequenceId: 41n }])
      expect(first.lastSequenceId).toBe(41n)
      await first.close()
      const second = await setup.other.createProducer({ topic, name: 'p' })
      expect(second.lastSequenceId).toBe(41n)
      await second.send(outgoing('b'))
      expect(second.lastSequenceId).toBe(42n)
      await second.close()
    })

    it.skipIf(!deduplication)(titled('MSG-13 stores a repeated sequence id once', deduplication), async () => {
      const topic = setup.topic()
      const messages = [1n, 5n, 6n].map(sequenceId => ({ payload: Buffer.from(`${sequenceId}`), sequenceId }))
      const first = await setup.client.createProducer({ topic, name: 'p' })
      await first.send(messages)
      await first.close()
      const second = await setup.other.createProducer({ topic, name: 'p' })
      const answers = await second.send([...messages, { payload: Buffer.from('7'), sequenceId: 7n }])
      expect(answers.map(position => position === null)).toEqual([true, true, true, false])
      await second.close()
      const consumer = await setup.subscribe(topic)
      expect(texts(await setup.take(consumer, 4))).toEqual(['1', '5', '6', '7'])
      expect(await setup.unexpected(consumer)).toEqual([])
      await consumer.close()
    })

    it.skipIf(!deduplication)(titled('MSG-14 tells producer names apart', deduplication), async () => {
      const topic = setup.topic()
      for (const name of ['p', 'q']) {
        const producer = await setup.client.createProducer({ topic, name })
        expect((await producer.send([{ payload: Buffer.from(name), sequenceId: 3n }]))[0]).not.toBeNull()
        await producer.close()
      }
      const consumer = await setup.subscribe(topic)
      const messages = await setup.take(consumer, 2)
      expect(messages.map(message => [message.producerName, text(message)])).toEqual([
        ['p', 'p'],
        ['q', 'q'],
      ])
      await consumer.close()
    })
  })
}

/** A skipped clause says what the driver cannot do. */
export function titled(title: string, capability: boolean): string {
  return capability ? title : `${title} (the driver does not claim it)`
}
