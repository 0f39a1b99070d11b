import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PulsarClient } from '../../src/index.ts'
import { broker, connect, freshTopic } from '../support/broker.ts'
import { CuttingProxy } from '../support/cutting-proxy.ts'
import { outgoing, take, texts } from '../support/receive.ts'

describe.skipIf(!broker.available)('transactions', () => {
  let client: PulsarClient
  beforeAll(async () => {
    client = await connect()
  })
  afterAll(() => client.close())

  async function setUp() {
    const [from, to] = [freshTopic(), freshTopic()]
    const source = await client.createProducer({ topic: from })
    await source.send(outgoing('a', 'b', 'c'))
    await source.close()
    const subscribe = (topic: string) =>
      client.subscribe({ topics: [topic], subscription: 's', type: 'Shared', initialPosition: 'Earliest' })
    return {
      from,
      subscribe,
      input: await subscribe(from),
      output: await client.createProducer({ topic: to }),
      result: await subscribe(to),
    }
  }

  it('show and acknowledge everything at commit, and nothing before', async () => {
    const { from, subscribe, input, output, result } = await setUp()
    const messages = await take(input, 3)
    const transaction = await client.beginTransaction()
    await output.send(outgoing('A', 'B', 'C'), transaction)
    await input.acknowledge(messages, transaction)
    expect(await result.receive({ maxMessages: 1, timeoutMs: 300 })).toEqual([])
    await transaction.commit()
    expect(texts(await take(result, 3))).toEqual(['A', 'B', 'C'])
    await input.close()
    const again = await subscribe(from)
    expect(await again.receive({ maxMessages: 1, timeoutMs: 300 })).toEqual([])
    await expect(transaction.commit()).rejects.toThrow(/is over/)
    await Promise.all([again.close(), output.close(), result.close()])
  })

  it('give a part of a batch back to the consumer that acknowledged it, when they are aborted', async () => {
    const { input, output, result } = await setUp()
    const messages = await take(input, 3)
    await input.acknowledge(messages.slice(0, 1))
    const transaction = await client.beginTransaction()
    await input.acknowledge(messages.slice(1, 2), transaction)
    await transaction.abort()
    expect(texts(await take(input, 1))).toEqual(['b'])
    await Promise.all([input.close(), output.close(), result.close()])
  })

  it('leave nothing behind when they are aborted: what was acknowledged comes again', async () => {
    const { from, subscribe, input, output, result } = await setUp()
    const messages = await take(input, 3)
    const transaction = await client.beginTransaction()
    await output.send(outgoing('A', 'B', 'C'), transaction)
    await input.acknowledge(messages, transaction)
    await transaction.abort()
    await transaction.abort()
    await output.send(outgoing('after'))
    expect(texts(await take(result, 1))).toEqual(['after'])
    await input.close()
    const again = await subscribe(from)
    expect(texts(await take(again, 3)).sort()).toEqual(['a', 'b', 'c'])
    await Promise.all([again.close(), output.close(), result.close()])
  })

  it('fail where the connection breaks under a message, which might be in them twice if it were sent again', async () => {
    const proxy = await CuttingProxy.open(broker.available ? broker.url : '')
    const through = await connect({ mapAddress: () => proxy.address, serviceUrl: `pulsar://${proxy.address}` })
    try {
      const output = await through.createProducer({ topic: freshTopic() })
      const transaction = await through.beginTransaction()
      await output.send(outgoing('first'), transaction)
      proxy.stall()
      const sending = output.send(outgoing('second'), transaction)
      const failed = expect(sending).rejects.toMatchObject({ retry: 'reconnect' })
      // Written to the socket, and no receipt will come.
      await new Promise(resolve => setTimeout(resolve, 100))
      proxy.cut()
      await failed
      await expect(transaction.commit()).rejects.toMatchObject({ retry: 'reconnect' })
      await output.send(outgoing('third'))
    } finally {
      await through.close()
      await proxy.close()
    }
  })
})
