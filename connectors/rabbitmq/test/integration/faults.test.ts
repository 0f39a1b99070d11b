import type { Outcome } from '@pulsar-io/sdk'
import { tcpProxy } from '@pulsar-io/testkit'
import { service } from '@pulsar-io/tooling/services'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { addressOf, Broker, codes, fresh, openSink, openSource, type Raw, values } from '../support.ts'

/** A server of the tests' own, since it is hurt. */
const server = await service('rabbitmq', { dedicated: true })
afterAll(async () => {
  if (server.available) await server.close()
})

const numbers = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `n${from + i}`)

async function eventually(look: () => boolean): Promise<void> {
  while (!look()) await new Promise(resolve => setTimeout(resolve, 5))
}

describe.skipIf(!server.available)('a server in trouble', { timeout: 90_000 }, () => {
  if (!server.available) return
  let broker: Broker
  let to: Raw
  let queue: string

  beforeAll(() => {
    to = addressOf(server)
  })

  const durableQueue = async (): Promise<string> => {
    broker = await Broker.open(server)
    queue = fresh()
    await broker.channel.assertQueue(queue, { durable: true })
    return queue
  }

  afterEach(async () => {
    await server.start()
    await server.control('set_vm_memory_high_watermark', '0.4')
    await broker?.close()
  })

  it('that has no memory left is waited for, and the status says so', async () => {
    const routingKey = await durableQueue()
    await using sink = await openSink({ ...to, exchangeName: '', routingKey, confirmTimeout: 100 })
    expect(codes(await sink.write(values(['before'])))).toEqual([undefined])
    await server.control('set_vm_memory_high_watermark', '0.0000001')
    const writing = sink.write(values(['during']))
    await eventually(() => sink.context.connections.length > 0)
    expect(sink.context.connections).toEqual([
      {
        state: 'blocked',
        reason: expect.stringMatching(/amqp:.*takes nothing from publishers for now: low on memory/),
      },
    ])
    // The next one does not even begin, so that nothing piles up.
    const next = sink.write(values(['after']))
    const stop = new AbortController()
    const given = sink.write(values(['given up']), { signal: stop.signal })
    stop.abort()
    await expect(given).rejects.toMatchObject({ retry: 'reconnect' })
    // Much longer than the time for confirms, which does not count now.
    const first = await Promise.race([writing, next, new Promise(resolve => setTimeout(resolve, 500, 'waits'))])
    expect(first).toBe('waits')
    await server.control('set_vm_memory_high_watermark', '0.4')
    expect(codes(await writing)).toEqual([undefined])
    expect(codes(await next)).toEqual([undefined])
    expect(sink.context.connections.at(-1)).toEqual({ state: 'connected', reason: undefined })
    expect(await broker.texts(routingKey)).toEqual(['before', 'during', 'after'])
  })

  it('that takes smaller messages than others refuses the large ones alone', async () => {
    const routingKey = await durableQueue()
    await server.control('eval', 'application:set_env(rabbit, max_message_size, 100000).')
    await using sink = await openSink({ ...to, exchangeName: '', routingKey })
    const large = Buffer.alloc(100_001)
    for (let round = 0; round < 2; round++) {
      const outcomes = await sink.write(values(['a', large, 'b', large, 'c']))
      expect(codes(outcomes)).toEqual([
        undefined,
        'PIO_RABBITMQ_TOO_LARGE',
        undefined,
        'PIO_RABBITMQ_TOO_LARGE',
        undefined,
      ])
      expect(outcomes[1]).toMatchObject({
        retry: 'reject',
        message: expect.stringMatching(/100001 bytes.*takes 100000; see max_message_size/),
      })
    }
    await server.control('eval', 'application:set_env(rabbit, max_message_size, 134217728).')
    const texts = await broker.texts(routingKey)
    expect(new Set(texts)).toEqual(new Set(['a', 'b', 'c']))
  })

  it('that is killed while it is written to has every message in the end', async () => {
    const routingKey = await durableQueue()
    let sink = await openSink({ ...to, exchangeName: '', routingKey })
    const records: ReturnType<typeof values>[number][] = []
    const outcomes: Outcome[] = []
    let killed: Promise<void> | undefined
    while (!outcomes.some(outcome => outcome !== undefined)) {
      const from = records.length
      records.push(...values(numbers(2000, from)))
      const batches = [records.slice(from, from + 1000), records.slice(from + 1000)]
      outcomes.push(...(await Promise.all(batches.map(batch => sink.write(batch)))).flat())
      killed ??= server.kill()
    }
    await killed
    const open = records.filter((_, i) => outcomes[i] !== undefined)
    for (const outcome of outcomes)
      if (outcome) expect(outcome).toMatchObject({ code: 'PIO_RABBITMQ_LOST', retry: 'reconnect' })
    await eventually(() => sink.context.losses.length > 0)
    expect(sink.context.losses[0]).toMatchObject({ retry: 'reconnect', message: expect.stringContaining('amqp://') })
    await sink.close()
    await server.start()
    sink = await openSink({ ...to, exchangeName: '', routingKey })
    expect(new Set(codes(await sink.write(open)))).toEqual(new Set([undefined]))
    await sink.close()
    broker = await Broker.open(server)
    expect(new Set(await broker.texts(routingKey))).toEqual(new Set(numbers(records.length)))
  })

  it('that is stopped in good order is told of while nothing is written', async () => {
    const routingKey = await durableQueue()
    await using sink = await openSink({ ...to, exchangeName: '', routingKey })
    await using source = await openSource({ ...to, queueName: routingKey, durable: true })
    const reading = source.read()
    reading.catch(() => undefined)
    await server.stop()
    await eventually(() => sink.context.losses.length > 0)
    expect(sink.context.losses[0]?.message).toMatch(/CONNECTION_FORCED/)
    await expect(reading).rejects.toMatchObject({ code: 'PIO_RABBITMQ_LOST', retry: 'reconnect' })
  })

  it('that does not confirm in time is asked again over a new connection', async () => {
    const routingKey = await durableQueue()
    const proxy = await tcpProxy(server.url)
    try {
      await using sink = await openSink({
        ...addressOf(server, proxy.url),
        exchangeName: '',
        routingKey,
        confirmTimeout: 200,
      })
      await sink.write(values(['a']))
      proxy.silent = true
      const [outcome] = await sink.write(values(['b']))
      expect(outcome).toMatchObject({
        code: 'PIO_RABBITMQ_TIMEOUT',
        retry: 'reconnect',
        message: expect.stringMatching(/within 200 ms.*confirmTimeout/),
      })
    } finally {
      await proxy.close()
    }
  })

  it('that is silent is noticed by the heartbeat', async () => {
    const queueName = await durableQueue()
    const proxy = await tcpProxy(server.url)
    try {
      await using source = await openSource({
        ...addressOf(server, proxy.url),
        queueName,
        durable: true,
        requestedHeartbeat: 1,
      })
      proxy.silent = true
      await expect(source.read()).rejects.toMatchObject({
        retry: 'reconnect',
        message: expect.stringMatching(/eartbeat|close|ECONNRESET/),
      })
    } finally {
      await proxy.close()
    }
  })
})
