import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { PulsarClient } from '../../src/index.ts'
import { broker, connect, freshTopic } from '../support/broker.ts'
import { numbered, outgoing, take, texts } from '../support/receive.ts'

describe.skipIf(!broker.available).each([
  ['ahead', 3_600_000],
  ['back', -3_600_000],
] as const)('a clock that jumps an hour %s', (_, by) => {
  let client: PulsarClient

  beforeEach(async () => {
    // The timers stay real: waiting is theirs, and has nothing to do with the clock on the wall.
    vi.useFakeTimers({ toFake: ['Date'] })
    client = await connect({ keepAliveMs: 200 })
  })

  afterEach(async () => {
    vi.useRealTimers()
    await client.close()
  })

  it('changes nothing for a producer with much under way', async () => {
    const topic = freshTopic()
    const producer = await client.createProducer({ topic, sendTimeoutMs: 10_000 })
    const values = numbered('m', 500)
    const sending: Promise<unknown>[] = []
    for (const [i, value] of values.entries()) {
      sending.push(producer.send(outgoing(value)))
      if (i === 250) vi.setSystemTime(Date.now() + by)
      if (i % 50 === 0) await sleep(1)
    }
    await Promise.all(sending)
    const reader = await client.createReader({ topic })
    const read = []
    while (read.length < values.length) read.push(...(await reader.read({ maxMessages: 500, timeoutMs: 5_000 })))
    expect(texts(read)).toEqual(values)
  })

  it('changes nothing for what a consumer waits for', async () => {
    const topic = freshTopic()
    const consumer = await client.subscribe({
      topics: [topic],
      subscription: 's',
      type: 'Shared',
      initialPosition: 'Earliest',
      ackTimeoutMs: 1_000,
    })
    const producer = await client.createProducer({ topic, batching: { enabled: false } })
    await producer.send(outgoing('acknowledged', 'refused', 'forgotten'))
    const [acknowledged, refused] = await take(consumer, 3)
    if (acknowledged === undefined || refused === undefined) throw new Error('three messages were sent')
    const acknowledging = consumer.acknowledge([acknowledged])
    consumer.negativeAcknowledge([refused], 100)
    vi.setSystemTime(Date.now() + by)
    await acknowledging
    // Refused with a delay, and not acknowledged in time: both come again, whatever the clock says.
    for (const value of ['refused', 'forgotten']) {
      const again = await take(consumer, 1)
      expect(texts(again)).toEqual([value])
      await consumer.acknowledge(again)
    }
    // Some intervals of the keep-alive later nothing has come again.
    expect(await consumer.receive({ maxMessages: 1, timeoutMs: 1_200 })).toEqual([])
  })
})
