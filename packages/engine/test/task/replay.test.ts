import type { MessagingClient } from '@pulsar-io/messaging'
import { defineSink, RecordError, type SchemaInfo } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { defaultDeadLetterTopic } from '../../src/dead-letter/format.ts'
import { listDeadLetters } from '../../src/dead-letter/list.ts'
import { replayDeadLetters } from '../../src/dead-letter/replay.ts'
import { eventually, world } from './harness.ts'

const IN = 'persistent://public/default/in'
const DLQ = defaultDeadLetterTopic(IN, 'sub')
const ours = { connector: 'public/default/probe', topics: [DLQ] }
const never = new AbortController().signal

const list = (client: MessagingClient, options: { limit?: number; showValues?: boolean; connector?: string } = {}) =>
  listDeadLetters(
    client,
    { ...ours, connector: options.connector ?? ours.connector },
    { limit: 100, showValues: false, signal: never, ...options },
  )

const replay = (
  client: MessagingClient,
  options: { limit?: number; before?: number; dryRun?: boolean; connector?: string; signal?: AbortSignal } = {},
) =>
  replayDeadLetters(
    client,
    { ...ours, connector: options.connector ?? ours.connector },
    { limit: 1000, dryRun: false, reads: topic => topic === IN, ending: never, signal: never, ...options },
  )

/** A log in which a sink refused all records of its topic. */
async function refused(messages: Parameters<Awaited<ReturnType<typeof world>>['produce']>[1], schema?: SchemaInfo) {
  const place = await world()
  await place.produce(IN, messages, schema)
  const definition = defineSink({
    name: 'probe',
    summary: 'Probe.',
    config: z.strictObject({}),
    delivery: 'at-least-once',
    batch: {},
    create: () => ({
      open: () => undefined,
      write: async (records: readonly unknown[]) =>
        records.map(() => new RecordError('no such column', { code: 'PIO_PROBE_REJECTED' })),
      close: () => undefined,
    }),
  })
  const { stop, stats } = await place.sink(definition)
  await eventually(() => stats.deadLettered === messages.length)
  await stop()
  return place
}

describe('dead letters that wait', () => {
  it('are listed with where they came from and why, and stay as they are', async () => {
    const { client } = await refused([
      { payload: Buffer.from('ä'.repeat(300)), key: 'k' },
      { payload: Buffer.from([0xff, 1]) },
      { payload: null },
    ])
    const { letters, more } = await list(client)
    expect(more).toBe(false)
    expect(letters).toHaveLength(3)
    expect(letters[0]).toEqual({
      deadLetterTopic: DLQ,
      letterPosition: expect.stringMatching(/^\d+:\d+/),
      connector: 'public/default/probe',
      topic: IN,
      partition: '0',
      position: expect.stringMatching(/^\d+:\d+/),
      code: 'PIO_PROBE_REJECTED',
      reason: 'no such column',
      attempts: expect.any(String),
      time: expect.any(Number),
      size: 600,
    })
    const shown = await list(client, { showValues: true, limit: 2 })
    expect(shown.more).toBe(true)
    expect(shown.letters.map(({ preview }) => preview)).toEqual([
      { key: 'k', value: 'ä'.repeat(200), encoding: 'utf8', cut: true },
      { key: null, value: '/wE=', encoding: 'base64', cut: false },
    ])
    expect((await list(client, { showValues: true })).letters[2]?.preview?.value).toBeNull()
    // Not even a subscription tells of it.
    expect((await client.topics.stats(DLQ)).subscriptions).toEqual([])
    expect(await list(client, { connector: 'public/default/other' })).toEqual({ letters: [], more: false })
  })
})

describe('replayed dead letters', () => {
  it('are published as they were, and once only', async () => {
    const schema: SchemaInfo = { type: 'JSON', definition: '' }
    const original = {
      payload: Buffer.from('{"a":1}'),
      key: 'k',
      orderingKey: 'o',
      eventTime: 12345,
      properties: { p: 'v' },
    }
    const { client, contents } = await bound(refused([original], schema))
    expect(await replay(client, { dryRun: true })).toMatchObject({ replayed: 1, refused: 0 })
    expect(await contents(IN)).toHaveLength(1)
    expect(await replay(client)).toEqual({ replayed: 1, began: expect.any(Number), refused: 0, reasons: [] })
    const [first, again] = await contents(IN)
    for (const message of [first, again]) {
      expect(message).toMatchObject({ key: 'k', orderingKey: 'o', eventTime: 12345, schema: { type: 'JSON' } })
      expect(message?.properties).toEqual({ p: 'v' })
      expect(Buffer.from(message?.payload ?? []).toString()).toBe('{"a":1}')
    }
    expect(await replay(client)).toMatchObject({ replayed: 0, refused: 0 })
    expect(await contents(IN)).toHaveLength(2)
    expect(await list(client)).toEqual({ letters: [], more: false })
  })

  it('are as many as are asked for, in their order', async () => {
    const values = Array.from({ length: 250 }, (_, i) => `r${i}`)
    const { client, texts } = await bound(refused(values))
    const [first] = (await list(client, { limit: 1 })).letters
    expect(await replay(client, { before: first?.time ?? 0 })).toMatchObject({ replayed: 0 })
    expect(await replay(client, { limit: 120 })).toMatchObject({ replayed: 120 })
    expect((await list(client, { limit: 1, showValues: true })).letters[0]?.preview?.value).toBe('r120')
    expect(await replay(client)).toMatchObject({ replayed: 130 })
    expect((await texts(IN)).slice(250)).toEqual(values)
  })

  it('go nowhere but to the topics of their sink, and those of others wait for it', async () => {
    const { client, contents } = await bound(refused(['a']))
    const letter = (connector: string, topic?: string) => ({
      payload: Buffer.from('x'),
      properties: { 'pulsar-io-connector': connector, ...(topic ? { 'pulsar-io-topic': topic } : {}) },
    })
    const producer = await client.createProducer({ topic: DLQ })
    const secret = 'persistent://public/default/secret'
    await producer.send([
      letter('public/default/other', IN),
      letter('public/default/probe', secret),
      letter('public/default/probe'),
    ])
    const result = await replay(client)
    expect(result).toMatchObject({ replayed: 1, refused: 2 })
    expect(result.reasons.map(({ reason }) => reason)).toEqual([
      `the sink does not read ${secret}`,
      'it does not say where it came from',
    ])
    expect(await client.topics.exists(secret)).toBe(false)
    expect(await contents(IN)).toHaveLength(2)
    expect((await list(client)).letters).toHaveLength(2)
    expect(await replay(client, { connector: 'public/default/other' })).toMatchObject({ replayed: 1, refused: 0 })
  })

  it('wait on when the publish is not confirmed', async () => {
    const { client, contents } = await bound(refused(['a', 'b']))
    let fail = (): Promise<never> => Promise.reject(new Error('the disk is full'))
    const failing = new Proxy(client, {
      get: (target, name) => {
        if (name === 'createProducer') return async () => ({ send: () => fail(), close: async () => undefined })
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    await expect(replay(failing)).rejects.toThrow('the disk is full')
    expect((await list(client)).letters).toHaveLength(2)
    const ending = new AbortController()
    fail = () => {
      setTimeout(() => ending.abort(), 10)
      return new Promise(() => undefined)
    }
    await expect(replay(failing, { signal: ending.signal })).rejects.toMatchObject({ code: 'PIO_DEAD_LETTERS_LATE' })
    expect((await list(client)).letters).toHaveLength(2)
    expect(await replay(client)).toMatchObject({ replayed: 2 })
    expect(await contents(IN)).toHaveLength(4)
  })

  it('are replayed by one at a time', { timeout: 20_000 }, async () => {
    const { client } = await refused(['a'])
    await replay(client, { limit: 1 })
    const other = await client.subscribe({ topics: [DLQ], subscription: 'pulsar-io-replay', type: 'Exclusive' })
    await expect(replay(client)).rejects.toMatchObject({ code: 'PIO_CONSUMER_BUSY' })
    await other.close()
    expect(await replay(client)).toMatchObject({ replayed: 0 })
  })
})

async function bound(made: ReturnType<typeof refused>) {
  const place = await made
  return {
    client: place.client,
    contents: (topic: string) => place.contents(topic),
    texts: (topic: string) => place.texts(topic),
  }
}
