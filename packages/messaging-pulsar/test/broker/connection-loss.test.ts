import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PulsarClient } from '../../src/index.ts'
import { broker, connect, freshTopic, setPolicy, unload } from '../support/broker.ts'
import { CuttingProxy } from '../support/cutting-proxy.ts'
import { numbered, outgoing, take, texts } from '../support/receive.ts'

describe.skipIf(!broker.available)('a lost connection', () => {
  let proxy: CuttingProxy
  let client: PulsarClient
  let direct: PulsarClient

  beforeAll(async () => {
    await setPolicy('deduplication', true)
    proxy = await CuttingProxy.open(broker.available ? broker.url : '')
    client = await connect({ mapAddress: () => proxy.address, keepAliveMs: 300 })
    direct = await connect()
  })

  afterAll(async () => {
    await client.close()
    await direct.close()
    await proxy.close()
  })

  it.each([
    ['cut', () => proxy.cut()],
    ['stalled', () => proxy.stall()],
    ['cut by a topic that moves', (topic: string) => unload(topic)],
  ] as const)('that is %s costs a producer no message, no order and no duplicate', async (_, hurt) => {
    const topic = freshTopic()
    const producer = await client.createProducer({ topic, name: 'p' })
    const values = numbered('m', 3_000)
    const sending: Promise<unknown>[] = []
    for (let from = 0; from < values.length; from += 10) {
      sending.push(producer.send(outgoing(...values.slice(from, from + 10))))
      if (from % 1_000 === 500) await hurt(topic)
      if (from % 100 === 0) await new Promise(resolve => setTimeout(resolve, 2))
    }
    await Promise.all(sending)
    const consumer = await direct.subscribe({
      topics: [topic],
      subscription: 's',
      type: 'Exclusive',
      initialPosition: 'Earliest',
    })
    expect(texts(await take(consumer, values.length))).toEqual(values)
    expect(await consumer.receive({ maxMessages: 1, timeoutMs: 200 })).toEqual([])
    await consumer.close()
    await producer.close()
  })

  it.each(['Exclusive', 'Shared'] as const)(
    'gives a consumer nothing twice that it holds, and nothing again that it acknowledged (%s)',
    async type => {
      const topic = freshTopic()
      const consumer = await client.subscribe({ topics: [topic], subscription: 's', type, initialPosition: 'Earliest' })
      const producer = await direct.createProducer({ topic })
      await producer.send(outgoing(...numbered('a', 20)))
      await producer.send(outgoing(...numbered('b', 20)))
      const first = await take(consumer, 30)
      const acknowledging = consumer.acknowledge(first.slice(0, 25))
      proxy.cut()
      await acknowledging
      const rest = await take(consumer, 10)
      expect(texts([...first, ...rest]).sort()).toEqual([...numbered('a', 20), ...numbered('b', 20)].sort())
      expect(await consumer.receive({ maxMessages: 1, timeoutMs: 300 })).toEqual([])
      await consumer.acknowledge([...first.slice(25), ...rest])
      expect(await consumer.backlog()).toBe(0)
      await consumer.close()
      await producer.close()
    },
  )

  it('does not stop a reader, which goes on where it was', async () => {
    const topic = freshTopic()
    const producer = await direct.createProducer({ topic })
    await producer.send(outgoing(...numbered('m', 10)))
    const reader = await client.createReader({ topic })
    const got = [...(await reader.read({ maxMessages: 4, timeoutMs: 5_000 }))]
    proxy.cut()
    while (got.length < 10) got.push(...(await reader.read({ maxMessages: 10, timeoutMs: 5_000 })))
    expect(texts(got)).toEqual(numbered('m', 10))
    await reader.close()
    await producer.close()
  })

  it('rejects what is not confirmed in time, and what waits behind it; afterwards all goes on', async () => {
    const topic = freshTopic()
    const producer = await client.createProducer({ topic, name: 'late', sendTimeoutMs: 400 })
    await producer.send([{ payload: Buffer.from('0'), sequenceId: 0n }])
    proxy.refusing = true
    proxy.cut()
    const send = (id: number) => producer.send([{ payload: Buffer.from(`${id}`), sequenceId: BigInt(id) }])
    const results = await Promise.allSettled([send(1), send(2)])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(results[0]).toMatchObject({ reason: { code: 'PIO_PULSAR_SEND_TIMEOUT', retry: 'reconnect' } })
    proxy.refusing = false
    for (const id of [1, 2, 3]) await expectSent(() => send(id))
    const consumer = await direct.subscribe({
      topics: [topic],
      subscription: 's',
      type: 'Exclusive',
      initialPosition: 'Earliest',
    })
    expect(texts(await take(consumer, 4))).toEqual(['0', '1', '2', '3'])
    await consumer.close()
    await producer.close()
  })
})

/** As a caller does it: again until it is there. */
async function expectSent(send: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await send()
      return
    } catch (error) {
      if (tries > 20) throw error
    }
  }
}
