import dns from 'node:dns'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { PulsarClient } from '../../src/index.ts'
import { broker, connect, freshTopic, setPolicy } from '../support/broker.ts'
import { CuttingProxy } from '../support/cutting-proxy.ts'
import { numbered, outgoing, take, texts } from '../support/receive.ts'

const NAME = 'broker.pulsar-io.test'

/** Linux answers on all of 127.0.0.0/8; elsewhere there may be 127.0.0.1 only. */
describe.skipIf(!broker.available || process.platform !== 'linux')('a broker whose name', () => {
  /** Where the name leads; undefined while nobody knows it. */
  let home: string | undefined
  let asked = 0
  let first: CuttingProxy
  let second: CuttingProxy
  let client: PulsarClient

  beforeAll(() => setPolicy('deduplication', true))

  async function start(): Promise<void> {
    const target = broker.available ? broker.url : ''
    first = await CuttingProxy.open(target)
    const port = Number(first.address.split(':')[1])
    second = await CuttingProxy.open(target, { host: '127.0.0.2', port })
    home = '127.0.0.1'
    asked = 0
    vi.spyOn(dns, 'lookup').mockImplementation(((
      name: string,
      _options: dns.LookupAllOptions,
      answer: (error: NodeJS.ErrnoException | null, addresses?: dns.LookupAddress[]) => void,
    ) => {
      const address = name === NAME ? home : name
      if (name === NAME) asked += 1
      const unknown = Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' })
      process.nextTick(() => (address === undefined ? answer(unknown) : answer(null, [{ address, family: 4 }])))
    }) as typeof dns.lookup)
    client = await connect({ mapAddress: () => `${NAME}:${port}`, keepAliveMs: 300 })
  }

  afterEach(async () => {
    await client.close()
    await first.close()
    await second.close()
    vi.restoreAllMocks()
  })

  it.each([
    ['moves when it restarts', () => first.close()],
    ['moves when it falls silent', () => first.stall()],
    [
      'is gone for a while, and moves',
      async () => {
        home = undefined
        const before = asked
        await first.close()
        await vi.waitFor(() => expect(asked).toBeGreaterThan(before + 2), { timeout: 20_000 })
      },
    ],
  ] as const)('%s is found again: nothing lost, nothing twice', async (_, leave) => {
    await start()
    const topic = freshTopic()
    const consumer = await client.subscribe({
      topics: [topic],
      subscription: 's',
      type: 'Exclusive',
      initialPosition: 'Earliest',
    })
    const producer = await client.createProducer({ topic, name: 'p' })
    const values = numbered('m', 100)
    await producer.send(outgoing(...values.slice(0, 40)))
    expect(texts(await take(consumer, 40))).toEqual(values.slice(0, 40))
    expect([first.connections > 0, second.connections]).toEqual([true, 0])

    await leave()
    home = '127.0.0.2'
    const sent = producer.send(outgoing(...values.slice(40)))
    const rest = await take(consumer, 60, 30_000)
    await sent
    expect(texts(rest)).toEqual(values.slice(40))
    expect(second.connections).toBeGreaterThan(0)
    await consumer.acknowledge(rest)
    expect(await consumer.receive({ maxMessages: 1, timeoutMs: 200 })).toEqual([])
  })
})
