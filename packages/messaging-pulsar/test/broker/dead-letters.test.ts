import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DeadLetterPolicy, PulsarClient } from '../../src/index.ts'
import { broker, connect, freshTopic } from '../support/broker.ts'
import { outgoing, take, text, texts } from '../support/receive.ts'

describe.skipIf(!broker.available)('dead letter policy', () => {
  let client: PulsarClient

  beforeAll(async () => {
    client = await connect()
  })
  afterAll(() => client.close())

  const subscribe = (topic: string, deadLetterPolicy: DeadLetterPolicy) =>
    client.subscribe({
      topics: [topic],
      subscription: 's',
      type: 'Shared',
      initialPosition: 'Earliest',
      nackDelayMs: 10,
      deadLetterPolicy,
    })

  it('hands a message out so often, and then publishes and acknowledges it', async () => {
    const topic = freshTopic()
    const consumer = await subscribe(topic, { maxRedeliverCount: 2, initialSubscription: 'kept' })
    const producer = await client.createProducer({ topic })
    await producer.send([{ payload: Buffer.from('bad'), key: 'k', properties: { p: '1' } }, ...outgoing('good')])
    const bad: number[] = []
    while (bad.length < 3) {
      for (const message of await consumer.receive({ maxMessages: 10, timeoutMs: 10_000 })) {
        if (text(message) === 'good') await consumer.acknowledge([message])
        else {
          bad.push(message.redeliveryCount)
          consumer.negativeAcknowledge([message])
        }
      }
      if (bad.length === 2) break
    }
    expect(bad).toEqual([0, 1])
    // The third time nobody gets it.
    expect(await consumer.receive({ maxMessages: 10, timeoutMs: 1500 })).toEqual([])
    expect(await consumer.backlog()).toBe(0)
    const dead = await client.subscribe({ topics: [`${topic}-s-DLQ`], subscription: 'kept', type: 'Exclusive' })
    const [letter] = await take(dead, 1)
    expect(texts(letter ? [letter] : [])).toEqual(['bad'])
    expect(letter).toMatchObject({ key: 'k', properties: { p: '1', REAL_TOPIC: topic, REAL_SUBSCRIPTION: 's' } })
    await Promise.all([consumer.close(), dead.close(), producer.close()])
  })

  it('keeps a message that cannot be published, and says why', async () => {
    const topic = freshTopic()
    const said: string[] = []
    const say = (message: string) => said.push(message)
    const other = await connect({ logger: { debug: say, info: say, warn: say, error: say } })
    const consumer = await other.subscribe({
      topics: [topic],
      subscription: 's',
      type: 'Shared',
      nackDelayMs: 10,
      deadLetterPolicy: { maxRedeliverCount: 1, topic: 'persistent://nobody/nowhere/dead' },
    })
    const producer = await client.createProducer({ topic })
    await producer.send(outgoing('bad'))
    consumer.negativeAcknowledge(await take(consumer, 1))
    expect(await consumer.receive({ maxMessages: 10, timeoutMs: 1500 })).toEqual([])
    expect(said.join()).toContain('nobody/nowhere')
    expect(await consumer.backlog()).toBe(1)
    await other.close()
    await producer.close()
  })

  it('is refused where nobody counts', async () => {
    const options = { topics: [freshTopic()], subscription: 's', deadLetterPolicy: { maxRedeliverCount: 1 } } as const
    await expect(client.subscribe({ ...options, type: 'Failover' })).rejects.toThrow(/Shared and Key_Shared/)
    const never = { ...options, deadLetterPolicy: { maxRedeliverCount: 0 } }
    await expect(client.subscribe({ ...never, type: 'Shared' })).rejects.toThrow(/at least 1, got 0/)
  })
})
