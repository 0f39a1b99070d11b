import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MessagingClient } from '@pulsar-io/messaging'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Environment } from '../src/environment.ts'
import { openEmbedded } from '../src/index.ts'
import { Registry } from '../src/registry.ts'
import { eventually } from './process/run.ts'

let directory: string
let client: MessagingClient

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pio-embedded-'))
  client = await openEmbedded({ directory })
})

afterEach(async () => {
  await client.close()
  await rm(directory, { recursive: true, force: true })
})

/** Does what another process does that takes everyone here for dead. */
async function throwEverybodyOut(): Promise<void> {
  const env = await Environment.open(directory, undefined)
  const sessions = [...env.sessions.getKeys()].map(String)
  await new Registry(env).removeSessions(new Set(sessions))
  await env.close()
}

describe('a consumer that others took for dead', () => {
  it.each(['Exclusive', 'Shared', 'Failover', 'Key_Shared'] as const)('comes back by itself (%s)', async type => {
    const consumer = await client.subscribe({ topics: ['t'], subscription: 's', type })
    const producer = await client.createProducer({ topic: 't' })
    await throwEverybodyOut()
    await eventually('it is back', async () => {
      const { subscriptions } = await client.topics.stats('t')
      return subscriptions[0]?.consumers === 1 && consumer.active
    })
    await producer.send([{ payload: Buffer.from('a') }])
    expect(await consumer.receive({ maxMessages: 1, timeoutMs: 5_000 })).toHaveLength(1)
  })
})

describe('deleting under a consumer', () => {
  it('ends a receive of a topic that was named', async () => {
    const consumer = await client.subscribe({ topics: ['t'], subscription: 's', type: 'Shared' })
    const waiting = consumer.receive({ maxMessages: 1, timeoutMs: 5_000 })
    await Promise.all([
      expect(waiting).rejects.toMatchObject({ code: 'PIO_TOPIC_DELETED', retry: 'reconnect' }),
      client.topics.delete('t'),
    ])
  })

  it('lets a pattern consumer go on with the topic that is made anew', async () => {
    await client.topics.create('x-1')
    const consumer = await client.subscribe({ topicsPattern: 'x-.*', subscription: 's', type: 'Shared' })
    const waiting = consumer.receive({ maxMessages: 1, timeoutMs: 10_000 })
    await client.topics.delete('x-1')
    const producer = await client.createProducer({ topic: 'x-1' })
    await producer.send([{ payload: Buffer.from('a') }])
    expect(await waiting).toHaveLength(1)
  })

  it('fails the sends of a producer', async () => {
    const producer = await client.createProducer({ topic: 't' })
    await producer.send([{ payload: Buffer.from('a') }])
    await client.topics.delete('t')
    await expect(producer.send([{ payload: Buffer.from('b') }])).rejects.toMatchObject({ code: 'PIO_TOPIC_DELETED' })
  })
})
