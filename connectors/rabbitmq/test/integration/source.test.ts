import { service } from '@pulsar-io/tooling/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addressOf, Broker, failure, fresh, openSource, type Raw } from '../support.ts'

const server = await service('rabbitmq')

describe.skipIf(!server.available)('the source on a real server', () => {
  let broker: Broker
  let to: Raw

  beforeAll(async () => {
    if (!server.available) return
    broker = await Broker.open(server)
    to = addressOf(server)
  })
  afterAll(() => broker?.close())

  it('declares the queue, the exchange and the binding', async () => {
    const name = fresh()
    const options = { ...to, queueName: name, autoDelete: true, exchangeName: name, exchangeType: 'topic' }
    await using source = await openSource({ ...options, routingKey: 'a.*' })
    broker.channel.publish(name, 'b.1', Buffer.from('other'))
    broker.channel.publish(name, 'a.1', Buffer.from('mine'))
    const [record] = await source.take(1)
    expect(record).toMatchObject({ value: Buffer.from('mine'), key: 'a.1' })
  })

  it('hands on headers and message properties as texts', async () => {
    const queueName = fresh()
    await using source = await openSource({ ...to, queueName })
    const headers = {
      text: 'grüße 🙂',
      number: 7,
      flag: true,
      nothing: null,
      list: ['a', 1],
      table: { at: { '!': 'timestamp', value: 5 } },
      bytes: Buffer.from('wörld'),
      noText: Buffer.from([255]),
    }
    const timestamp = 1_700_000_000
    await broker.put(queueName, ['{"n": 1.50}'], {
      headers,
      timestamp,
      contentType: 'application/json',
      messageId: 'm-1',
      priority: 3,
      userId: server.available ? server.credentials?.username : '',
    })
    const [record] = await source.take(1)
    // As they came: not read as JSON, whatever the content type says.
    expect(record?.value?.toString()).toBe('{"n": 1.50}')
    expect(record?.eventTime).toBe(timestamp * 1000)
    expect(record?.properties).toEqual({
      text: 'grüße 🙂',
      number: '7',
      flag: 'true',
      nothing: '',
      list: '["a",1]',
      table: '{"at":5}',
      bytes: 'wörld',
      noText: '/w==',
      __rabbitmq_content_type: 'application/json',
      __rabbitmq_message_id: 'm-1',
      __rabbitmq_priority: '3',
      __rabbitmq_timestamp: String(timestamp),
      __rabbitmq_user_id: 'owner',
      __rabbitmq_delivery_mode: '2',
      __rabbitmq_consumer_tag: expect.stringMatching(/^amq\.ctag-/),
      __rabbitmq_queue_name: queueName,
      __rabbitmq_exchange: '',
    })
  })

  it('is handed no more than the prefetch, and more once something is acknowledged', async () => {
    const queueName = fresh()
    await broker.channel.assertQueue(queueName, { durable: true })
    await broker.put(
      queueName,
      Array.from({ length: 30 }, (_, i) => `m${i}`),
    )
    await using source = await openSource({ ...to, queueName, durable: true, prefetchCount: 10 })
    const records = await source.take(10)
    expect(await broker.ready(queueName)).toBe(20)
    for (const record of records.slice(0, 4)) await record.ack?.()
    expect(await source.take(4)).toHaveLength(4)
    // One that is given back comes again, marked as such.
    await records[5]?.fail?.(new Error('no'))
    const [again] = await source.take(1)
    expect(again?.value?.toString()).toBe('m5')
    expect(again?.properties).toMatchObject({ __rabbitmq_redelivered: 'true' })
  })

  it('acknowledges one after the other, in any order', async () => {
    const queueName = fresh()
    await broker.channel.assertQueue(queueName, { durable: true })
    await broker.put(
      queueName,
      Array.from({ length: 100 }, (_, i) => `m${i}`),
    )
    {
      await using source = await openSource({ ...to, queueName, durable: true })
      const records = await source.take(100)
      const order = records.map((_, i) => (i * 37) % 100).filter(i => i !== 50)
      for (const i of order) {
        await records[i]?.ack?.()
        // Each on its own, so that the server is told of holes.
        if (i % 10 === 0) await new Promise(resolve => setImmediate(resolve))
      }
    }
    expect(await broker.texts(queueName)).toEqual(['m50'])
  })

  it('says so when the queue is deleted, and when it is gone', async () => {
    const queueName = fresh()
    await broker.channel.assertQueue(queueName, { durable: true })
    await using source = await openSource({ ...to, queueName, passive: true })
    await broker.channel.deleteQueue(queueName)
    const error = await failure(source.read())
    expect(error).toMatchObject({ code: 'PIO_RABBITMQ_CONSUMER_ENDED', retry: 'reconnect' })
    expect(error.message).toContain(queueName)
    expect(await failure(openSource({ ...to, queueName, passive: true }))).toMatchObject({ retry: 'block' })
  })

  it('connects again when acknowledgements are lost and nothing moves any more', async () => {
    const queueName = fresh()
    await broker.channel.assertQueue(queueName, { durable: true })
    await broker.put(queueName, ['a', 'b', 'c'])
    {
      await using source = await openSource({ ...to, queueName, durable: true, prefetchCount: 2, stallTimeout: 100 })
      expect(await source.take(2)).toHaveLength(2)
      const error = await failure(source.read())
      expect(error).toMatchObject({ code: 'PIO_RABBITMQ_STALLED', retry: 'reconnect' })
      expect(source.context.recorded).toEqual([{ name: 'stalls', value: 1 }])
    }
    expect(await broker.texts(queueName)).toEqual(['a', 'b', 'c'])
  })

  it('does not call it a stall when nobody asks for more', async () => {
    const queueName = fresh()
    await broker.channel.assertQueue(queueName, { durable: true })
    await broker.put(queueName, ['a', 'b', 'c'])
    await using source = await openSource({ ...to, queueName, durable: true, prefetchCount: 2, stallTimeout: 100 })
    const records = await source.take(2)
    await new Promise(resolve => setTimeout(resolve, 400))
    for (const record of records) await record.ack?.()
    expect((await source.take(1))[0]?.value?.toString()).toBe('c')
  })

  it('takes a message of 10 MB', async () => {
    const queueName = fresh()
    await using source = await openSource({ ...to, queueName })
    const large = Buffer.alloc(10_000_000, 'xyz')
    await broker.put(queueName, [large])
    const [record] = await source.take(1)
    expect(record?.value?.equals(large)).toBe(true)
  })
})
