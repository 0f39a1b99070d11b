import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MessagingClient, Retention } from '@pulsar-io/messaging'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEmbedded } from '../src/index.ts'
import { eventually } from './process/run.ts'

let directory: string
let client: MessagingClient

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pio-embedded-'))
})

afterEach(async () => {
  await client.close()
  await rm(directory, { recursive: true, force: true })
})

async function open(retention?: Retention): Promise<void> {
  client = await openEmbedded(retention === undefined ? { directory } : { directory, retention })
}

/** Publishes `count` entries of 1000 bytes. */
async function publish(count: number): Promise<void> {
  const producer = await client.createProducer({ topic: 't' })
  for (let i = 0; i < count; i += 1) await producer.send([{ payload: Buffer.alloc(1000, 'x') }])
  await producer.close()
}

async function acknowledge(subscription: string, count: number): Promise<void> {
  const consumer = await client.subscribe({
    topics: ['t'],
    subscription,
    type: 'Exclusive',
    initialPosition: 'Earliest',
  })
  let left = count
  while (left > 0) {
    const messages = await consumer.receive({ maxMessages: left })
    await consumer.acknowledge(messages)
    left -= messages.length
  }
  await consumer.close()
}

const messages = async () => (await client.topics.stats('t')).messages
const becomes = (count: number) => eventually(`${count} messages stay`, async () => (await messages()) === count, 5_000)
const pause = () => new Promise(resolve => setTimeout(resolve, 500))

describe('retention', () => {
  it('deletes what every subscription has acknowledged', async () => {
    await open()
    await client.topics.createSubscription('t', 'slow', 'earliest')
    await publish(10)
    await acknowledge('fast', 10)
    await pause()
    expect(await messages()).toBe(10)
    await acknowledge('slow', 4)
    await becomes(6)
    await acknowledge('slow', 6)
    await becomes(0)
    const { first, bytes } = await client.topics.stats('t')
    expect([first, bytes]).toEqual([undefined, 0])
  })

  it('keeps messages of a topic that has no subscription', async () => {
    await open()
    await publish(3)
    await client.close()
    await open()
    await pause()
    expect(await messages()).toBe(3)
  })

  it('keeps acknowledged messages while they are within the size', async () => {
    await open()
    await client.topics.create('t')
    await client.topics.setRetention('t', { sizeBytes: 5_000, timeMs: 0 })
    await publish(10)
    await acknowledge('s', 10)
    await becomes(5)
  })

  it('keeps acknowledged messages while they are young enough', async () => {
    await open({ sizeBytes: 0, timeMs: 600_000 })
    await publish(3)
    await acknowledge('s', 3)
    await pause()
    expect(await messages()).toBe(3)
    await client.topics.setRetention('t', { sizeBytes: 0, timeMs: 0 })
    await becomes(0)
  })

  it('keeps everything without a bound', async () => {
    await open({ sizeBytes: -1, timeMs: 0 })
    await publish(3)
    await acknowledge('s', 3)
    await pause()
    expect(await messages()).toBe(3)
  })

  it('goes on handing out what is left', async () => {
    await open()
    await publish(4)
    await acknowledge('s', 2)
    await becomes(2)
    const reader = await client.createReader({ topic: 't' })
    expect(await reader.read({ maxMessages: 10, timeoutMs: 1_000 })).toHaveLength(2)
    await acknowledge('s', 2)
  })
})
