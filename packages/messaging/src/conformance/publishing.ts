import type { Position, SchemaInfo } from '@pulsar-io/sdk'
import { comparePositions } from '@pulsar-io/sdk/core'
import { describe, expect, it } from 'vitest'
import { titled } from './sequencing.ts'
import { numbered, outgoing, type Setup, texts } from './setup.ts'

/** What a producer promises about the messages it sends. */
export function publishing(setup: Setup): void {
  const { byteKeys, messageSchemas, tombstones } = setup.capabilities
  describe('publishing', () => {
    it('MSG-01 hands every field of a message through unchanged', async () => {
      const topic = setup.topic()
      const before = Date.now()
      await setup.send(topic, [
        {
          payload: Buffer.from([0, 255, 1]),
          key: 'Schlüssel',
          orderingKey: 'order',
          properties: { a: '1', ü: '' },
          eventTime: 1_700_000_000_123,
        },
        { payload: Buffer.from('bare') },
      ])
      const consumer = await setup.subscribe(topic)
      const [full, bare] = await setup.take(consumer, 2)
      expect(full).toMatchObject({
        topic,
        partition: 0,
        key: 'Schlüssel',
        orderingKey: 'order',
        properties: { a: '1', ü: '' },
        eventTime: 1_700_000_000_123,
        redeliveryCount: 0,
      })
      expect([...(full?.payload ?? [])]).toEqual([0, 255, 1])
      expect(bare).toMatchObject({ key: undefined, orderingKey: undefined, properties: {}, eventTime: undefined })
      // Clocks of two machines may differ a little.
      expect(bare?.publishTime).toBeGreaterThan(before - 60_000)
      expect(bare?.publishTime).toBeLessThan(Date.now() + 60_000)
      await consumer.close()
    })

    it.skipIf(!tombstones)(titled('MSG-02 tells a tombstone from an empty payload', tombstones), async () => {
      const topic = setup.topic()
      await setup.send(topic, [
        { payload: null, key: 'gone' },
        { payload: new Uint8Array(), key: 'empty' },
      ])
      const consumer = await setup.subscribe(topic)
      const [gone, empty] = await setup.take(consumer, 2)
      expect(gone?.payload).toBeNull()
      expect(empty?.payload).toHaveLength(0)
      await consumer.close()
    })

    it('MSG-03 answers with positions that grow and that consumers see', async () => {
      const topic = setup.topic()
      const producer = await setup.client.createProducer({ topic })
      const positions = [...(await producer.send(outgoing('a', 'b', 'c'))), ...(await producer.send(outgoing('d')))]
      const consumer = await setup.subscribe(topic)
      const messages = await setup.take(consumer, 4)
      expect(messages.map(({ position }) => position)).toEqual(positions)
      for (let i = 1; i < positions.length; i += 1) {
        expect(comparePositions(positions[i - 1] as Position, positions[i] as Position)).toBeLessThan(0)
      }
      await producer.close()
      await consumer.close()
    })

    it('MSG-04 keeps the order of sends that overlap', async () => {
      const topic = setup.topic()
      const producer = await setup.client.createProducer({ topic })
      const payloads = numbered('m', 500)
      await Promise.all(payloads.map(payload => producer.send(outgoing(payload))))
      const consumer = await setup.subscribe(topic)
      const got = await setup.take(consumer, 500)
      expect(texts(got)).toEqual(payloads)
      expect(got.map(({ size }) => size)).toEqual(payloads.map(({ length }) => length))
      await producer.close()
      await consumer.close()
    })

    it('MSG-05 carries a message of 1 MiB among small ones', async () => {
      const topic = setup.topic()
      const large = Buffer.alloc(1024 * 1024, 'x')
      await setup.send(topic, [{ payload: Buffer.from('a') }, { payload: large }, { payload: Buffer.from('b') }])
      const consumer = await setup.subscribe(topic)
      const messages = await setup.take(consumer, 3)
      expect(messages.map(({ payload }) => payload?.length)).toEqual([1, large.length, 1])
      expect(Buffer.compare(messages[1]?.payload ?? Buffer.alloc(0), large)).toBe(0)
      await consumer.close()
    })

    it('MSG-06 answers an empty send with nothing', async () => {
      const producer = await setup.client.createProducer({ topic: setup.topic() })
      expect(await producer.send([])).toEqual([])
      await producer.close()
    })

    it('MSG-07 refuses to send after close, and closes twice', async () => {
      const producer = await setup.client.createProducer({ topic: setup.topic() })
      await producer.close()
      await producer.close()
      await expect(producer.send(outgoing('a'))).rejects.toThrow()
    })

    it.skipIf(!messageSchemas)(
      titled('MSG-08 says with each message what schema it was written with', messageSchemas),
      async () => {
        const topic = setup.topic()
        const schema = { type: 'STRING', name: 'text' } as const
        const producer = await setup.client.createProducer({ topic, schema })
        await producer.send(outgoing('a'))
        const consumer = await setup.subscribe(topic)
        const [message] = await setup.take(consumer, 1)
        expect(message?.schema).toMatchObject({ type: 'STRING' })
        await producer.close()
        await consumer.close()
      },
    )

    it.skipIf(!messageSchemas)(
      titled('MSG-39 gives each message the version of the schema that it was written with', messageSchemas),
      async () => {
        const topic = setup.topic()
        const old = avro({ name: 'id', type: 'long' })
        const young = avro({ name: 'id', type: 'long' }, { name: 'note', type: ['null', 'string'], default: null })
        for (const [schema, text] of [
          [old, 'a'],
          [young, 'b'],
          [old, 'c'],
        ] as const) {
          const producer = await setup.client.createProducer({ topic, schema })
          await producer.send(outgoing(text))
          await producer.close()
        }
        const consumer = await setup.subscribe(topic)
        const messages = await setup.take(consumer, 3)
        const [first, second, third] = messages.map(message => message.schema)
        expect([first, second, third].map(schema => fieldsOf(schema))).toEqual([['id'], ['id', 'note'], ['id']])
        expect(first?.version).toBeDefined()
        expect(second?.version).not.toBe(first?.version)
        // A reader compiles what it finds once per object.
        expect(third).toBe(first)
        await consumer.close()
      },
    )

    it.skipIf(!(messageSchemas && byteKeys))(
      titled('MSG-40 keeps both halves of a KEY_VALUE schema, and a key that is bytes', messageSchemas && byteKeys),
      async () => {
        const topic = setup.topic()
        const schema: SchemaInfo = {
          type: 'KEY_VALUE',
          keyValue: { key: { type: 'INT32' }, value: avro({ name: 'id', type: 'long' }), encoding: 'SEPARATED' },
        }
        const producer = await setup.client.createProducer({ topic, schema })
        await producer.send([{ payload: new Uint8Array([2]), key: 'AAAABQ==', keyIsBase64: true }])
        const consumer = await setup.subscribe(topic)
        const [message] = await setup.take(consumer, 1)
        expect(message).toMatchObject({ key: 'AAAABQ==', keyIsBase64: true })
        expect(message?.schema).toMatchObject({
          type: 'KEY_VALUE',
          keyValue: { key: { type: 'INT32' }, value: { type: 'AVRO' }, encoding: 'SEPARATED' },
        })
        await producer.close()
        await consumer.close()
      },
    )

    it('MSG-09 names the topic in full whatever spelling was used', async () => {
      const topic = setup.topic()
      const short = topic.replace('persistent://public/default/', '')
      await setup.publish(short, 'a')
      const consumer = await setup.subscribe(topic.replace('persistent://', ''))
      const [message] = await setup.take(consumer, 1)
      expect(message?.topic).toBe(topic)
      await consumer.close()
    })
  })
}

function avro(...fields: readonly object[]): SchemaInfo {
  return { type: 'AVRO', name: 'order', definition: JSON.stringify({ type: 'record', name: 'Order', fields }) }
}

function fieldsOf(schema: SchemaInfo | undefined): readonly string[] {
  const { fields } = JSON.parse(schema?.definition ?? '{"fields":[]}') as { fields: readonly { name: string }[] }
  return fields.map(({ name }) => name)
}
