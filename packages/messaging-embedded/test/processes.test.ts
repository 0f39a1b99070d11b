import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEmbedded } from '../src/index.ts'
import { eventually, type Running, run } from './process/run.ts'

let directory: string
let running: Running[] = []

function start(role: string, options: object = {}): Running {
  const one = run(role, directory, options)
  running.push(one)
  return one
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pio-embedded-'))
  running = []
})

afterEach(async () => {
  for (const one of running) await one.kill()
  await rm(directory, { recursive: true, force: true })
})

const ready = (one: Running) => eventually('a worker is ready', () => one.said.some(({ ready: is }) => is === true))
const got = (one: Running) => one.said.flatMap(said => said.got ?? [])

/** All payloads of the topic, in order. */
async function readAll(): Promise<string[]> {
  const client = await openEmbedded({ directory })
  const reader = await client.createReader({ topic: 't' })
  const payloads: string[] = []
  while (await reader.hasNext()) {
    const messages = await reader.read({ maxMessages: 10_000, timeoutMs: 1_000 })
    payloads.push(...messages.map(({ payload }) => Buffer.from(payload ?? []).toString()))
  }
  await client.close()
  return payloads
}

describe('several processes on one directory', () => {
  it('open a fresh directory at the same instant', async () => {
    const names = ['a', 'b', 'c', 'd']
    const all = names.map(name => start('open', { name }))
    await Promise.all(all.map(({ ended }) => ended))
    expect(all.map(({ said }) => said.some(({ done }) => done === true))).toEqual([true, true, true, true])
    expect((await readAll()).sort()).toEqual(names)
  })

  it('produce and consume at once, each message once', async () => {
    const consumers = [start('consume'), start('consume')]
    await Promise.all(consumers.map(ready))
    const producers = ['p', 'q'].map(name => start('produce', { name, count: 2_000 }))
    await Promise.all(producers.map(({ ended }) => ended))
    await eventually('everything is consumed', () => consumers.flatMap(got).length >= 4_000)
    const all = consumers.flatMap(got)
    expect(all).toHaveLength(4_000)
    expect(new Set(all).size).toBe(4_000)
    for (const consumer of consumers) expect(got(consumer).length).toBeGreaterThan(0)
  })

  it('write while others come and go, and lose nothing', async () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const producers = names.map(name => start('produce', { name, count: 5_000 }))
    const visitors = [1, 2, 3].map(() => start('reopen', { count: 100 }))
    await Promise.all([...producers, ...visitors].map(({ ended }) => ended))
    expect([...producers, ...visitors].map(({ child }) => child.exitCode)).toEqual(Array(8).fill(0))
    const payloads = await readAll()
    expect(payloads).toHaveLength(25_000)
    for (const name of names) {
      const own = payloads.filter(payload => payload.startsWith(`${name}:`))
      expect(own).toEqual(Array.from({ length: 5_000 }, (_, i) => `${name}:${i}`))
    }
  }, 60_000)

  it('lose no acknowledged message when producers are killed, and stay usable', async () => {
    let acknowledged = 0
    for (let round = 0; round < 5; round += 1) {
      const producer = start('produce')
      // Killed at a different point each time.
      await eventually('something is acknowledged', () => producer.said.length > 2 + round)
      await producer.kill()
      acknowledged = Math.max(acknowledged, ...producer.said.map(said => said.acknowledged ?? 0))
    }
    const payloads = await readAll()
    // One producer name with sequence ids: no message is there twice, none is missing.
    expect(payloads).toEqual(payloads.map((_, i) => `p:${i}`))
    expect(payloads.length).toBeGreaterThanOrEqual(acknowledged)
    expect(acknowledged).toBeGreaterThan(0)
  })

  it('hear of what another appends also when somebody else here has looked before', async () => {
    const client = await openEmbedded({ directory })
    const consumer = await client.subscribe({ topics: ['t'], subscription: 's', type: 'Shared' })
    // Looks more often than the watcher does after a while without news.
    const looking = setInterval(() => void consumer.backlog(), 1)
    try {
      for (const name of ['a', 'b', 'c']) {
        const other = start('open', { name })
        const [message] = await consumer.receive({ maxMessages: 1, timeoutMs: 10_000 })
        expect(Buffer.from(message?.payload ?? []).toString()).toBe(name)
        await other.ended
      }
    } finally {
      clearInterval(looking)
      await client.close()
    }
  })

  it('take over what a killed Shared consumer held', async () => {
    const holder = start('hold', { type: 'Shared' })
    await ready(holder)
    const client = await openEmbedded({ directory })
    const producer = await client.createProducer({ topic: 't' })
    await producer.send(Array.from({ length: 10 }, (_, i) => ({ payload: Buffer.from(`${i}`) })))
    await eventually('the holder has everything', () => got(holder).length === 10)
    const consumer = await client.subscribe({ topics: ['t'], subscription: 's', type: 'Shared' })
    expect(await consumer.receive({ maxMessages: 10, timeoutMs: 200 })).toEqual([])
    await holder.kill()
    const messages = await consumer.receive({ maxMessages: 10, timeoutMs: 10_000 })
    expect(messages.map(({ payload }) => Buffer.from(payload ?? []).toString())).toEqual(got(holder))
    expect(messages.map(({ redeliveryCount }) => redeliveryCount)).toEqual(new Array(10).fill(1))
    await client.close()
  })

  it('take over from a killed Failover consumer', async () => {
    const first = start('hold', { type: 'Failover' })
    await ready(first)
    const client = await openEmbedded({ directory })
    const producer = await client.createProducer({ topic: 't' })
    const second = await client.subscribe({ topics: ['t'], subscription: 's', type: 'Failover' })
    expect(second.active).toBe(false)
    await producer.send([{ payload: Buffer.from('a') }, { payload: Buffer.from('b') }])
    await eventually('the first one has everything', () => got(first).length === 2)
    await first.kill()
    const messages = await second.receive({ maxMessages: 10, timeoutMs: 10_000 })
    expect(messages.map(({ payload }) => Buffer.from(payload ?? []).toString())).toEqual(['a', 'b'])
    expect(second.active).toBe(true)
    await client.close()
  })

  it('name the process that holds an Exclusive subscription or a producer name, and free both when it dies', async () => {
    const holder = start('hold', { type: 'Exclusive' })
    const producer = start('produce', { name: 'p' })
    await Promise.all([ready(holder), ready(producer)])
    const client = await openEmbedded({ directory })
    const subscribe = () => client.subscribe({ topics: ['t'], subscription: 's', type: 'Exclusive' })
    const produce = () => client.createProducer({ topic: 't', name: 'p' })
    await expect(subscribe()).rejects.toMatchObject({
      code: 'PIO_CONSUMER_BUSY',
      message: expect.stringMatching(new RegExp(`public/default/t .*\\bs\\b.*process ${holder.child.pid}`)),
    })
    await expect(produce()).rejects.toMatchObject({
      code: 'PIO_PRODUCER_BUSY',
      message: expect.stringContaining(`process ${producer.child.pid}`),
    })
    await holder.kill()
    await producer.kill()
    await subscribe()
    await produce()
    await client.close()
  })
})
