import {
  AuthError,
  type BatchInfo,
  type BatchSink,
  ConnectionError,
  comparePositions,
  defineSink,
  type Outcome,
  type PartitionCheckpoint,
  type Record,
  RecordError,
  type SinkContext,
  type SinkDefinition,
  TransientError,
} from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { defaultDeadLetterTopic } from '../../src/dead-letter/format.ts'
import { eventually, world } from './harness.ts'

const IN = 'persistent://public/default/in'
const DLQ = 'persistent://public/default/in-sub-DLQ'

/** A sink that keeps what it is given, unless `judge` has an error for a record. */
function collecting(
  judge: (text: string, attempt: number) => Error | undefined = () => undefined,
  options: { delivery?: 'idempotent' } = {},
) {
  const written: string[] = []
  const attempts = new Map<string, number>()
  const opens: number[] = []
  const sink: BatchSink<unknown, Uint8Array> = {
    open: () => void opens.push(Date.now()),
    write: async records =>
      records.map((record): Outcome => {
        const text = Buffer.from(record.value ?? []).toString()
        const attempt = (attempts.get(text) ?? 0) + 1
        attempts.set(text, attempt)
        const error = judge(text, attempt)
        if (!error) written.push(text)
        return error
      }),
    close: () => undefined,
  }
  const definition = defineSink({
    name: 'probe',
    summary: 'Probe.',
    config: z.strictObject({}),
    delivery: options.delivery ?? 'at-least-once',
    batch: {},
    create: () => sink,
  })
  return { definition, written, attempts, opens }
}

const numbers = (n: number) => Array.from({ length: n }, (_, i) => `r${i}`)

describe('a sink task', () => {
  it('writes everything in order and acknowledges it', async () => {
    const { client, produce, sink } = bind(await world())
    const probe = collecting()
    await produce(IN, numbers(2500))
    const { stop, stats } = await sink(probe.definition)
    await eventually(() => stats.written === 2500)
    expect(await stop()).toBe(0)
    expect(probe.written).toEqual(numbers(2500))
    expect((await client.topics.stats(IN)).subscriptions).toMatchObject([{ name: 'sub', backlog: 0 }])
  })

  it('says when a new subscription begins behind what is already there', async () => {
    const { produce, sink } = bind(await world())
    await produce(IN, numbers(3))
    const { stop, logs } = await sink(collecting().definition, { initialPosition: 'Latest' })
    await stop()
    expect(logs).toContainEqual(
      expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ skipped: 3 }) }),
    )
    const again = await sink(collecting().definition, { initialPosition: 'Latest' })
    await again.stop()
    expect(again.logs.filter(({ level }) => level === 'warn')).toEqual([])
  })

  it('decodes each message by the schema of its topic, and dead-letters what does not fit', async () => {
    const { produce, sink, contents } = bind(await world())
    const values: unknown[] = []
    const definition = defineSink({
      name: 'probe',
      summary: 'Probe.',
      config: z.strictObject({}),
      delivery: 'at-least-once',
      create: () => ({
        open: () => undefined,
        write: (record: Record) => void values.push(record.value),
        close: () => undefined,
      }),
    })
    await produce(IN, ['{"a":1}', '{"a":', { payload: null, key: 'k' }], { type: 'JSON' })
    const { stop, stats } = await sink(definition)
    await eventually(() => stats.written === 2 && stats.deadLettered === 1)
    await stop()
    expect(values).toEqual([{ a: 1 }, null])
    const [letter] = await contents(DLQ)
    expect(Buffer.from(letter?.payload ?? []).toString()).toBe('{"a":')
    expect(letter?.properties).toMatchObject({
      'pulsar-io-code': 'PIO_SCHEMA_DECODE',
      'pulsar-io-topic': IN,
      'pulsar-io-connector': 'public/default/probe',
    })
  })

  it('dead-letters a rejected record with its bytes, key and properties and the reason; the rest lands', async () => {
    const { produce, sink, contents, client } = bind(await world())
    const probe = collecting(text =>
      text === 'poison' ? new RecordError('mapping conflict on field x', { code: 'PIO_PROBE_REJECTED' }) : undefined,
    )
    await produce(IN, ['a', { payload: Buffer.from('poison'), key: 'k1', properties: { p: 'v' } }, 'b'])
    const { stop, stats } = await sink(probe.definition)
    await eventually(() => stats.deadLettered === 1 && stats.written === 2)
    await stop()
    expect(probe.written).toEqual(['a', 'b'])
    const letters = await contents(DLQ)
    expect(letters).toHaveLength(1)
    expect(letters[0]?.key).toBe('k1')
    expect(letters[0]?.properties).toMatchObject({
      p: 'v',
      'pulsar-io-reason': 'mapping conflict on field x',
      'pulsar-io-code': 'PIO_PROBE_REJECTED',
    })
    expect((await client.topics.stats(IN)).subscriptions[0]?.backlog).toBe(0)
  })

  it('tries only the failed records again', async () => {
    const { produce, sink } = bind(await world())
    const probe = collecting((text, attempt) => (text === 'r3' && attempt < 3 ? new TransientError('429') : undefined))
    await produce(IN, numbers(10))
    const { stop, stats } = await sink(probe.definition)
    await eventually(() => stats.written === 10)
    await stop()
    expect(stats.retried).toBe(2)
    expect(probe.attempts.get('r3')).toBe(3)
    expect(probe.attempts.get('r2')).toBe(1)
  })

  it('gives up after maxMessageRetries and dead-letters with the number of attempts', async () => {
    const { produce, sink, contents } = bind(await world())
    const probe = collecting(text => (text === 'r1' ? new TransientError('still busy') : undefined))
    await produce(IN, numbers(3))
    const { stop, stats } = await sink(probe.definition, {
      maxRetries: 2,
      deadLetterTopic: 'persistent://public/default/dead',
    })
    await eventually(() => stats.deadLettered === 1)
    await stop()
    expect(probe.attempts.get('r1')).toBe(3)
    const [letter] = await contents('dead')
    expect(letter?.properties).toMatchObject({ 'pulsar-io-attempts': '3', 'pulsar-io-reason': 'still busy' })
  })

  it('keeps the order of a key through retries where order is asked for', async () => {
    const { produce, sink } = bind(await world())
    const state = new Map<string, string>()
    let failures = 1
    const definition = defineSink<z.ZodObject, Uint8Array>({
      name: 'probe',
      summary: 'Probe.',
      config: z.strictObject({}),
      delivery: 'idempotent',
      batch: {},
      create: () => ({
        open: () => undefined,
        write: async (records: readonly Record<Uint8Array>[]) =>
          records.map(record => {
            const text = Buffer.from(record.value ?? []).toString()
            if (text === 'k=1' && failures-- > 0) return new TransientError('busy')
            state.set(record.key ?? '', text)
            return undefined
          }),
        close: () => undefined,
      }),
    })
    await produce(IN, [
      { payload: Buffer.from('k=1'), key: 'k' },
      { payload: Buffer.from('k=2'), key: 'k' },
      { payload: Buffer.from('j=1'), key: 'j' },
    ])
    const { stop, stats } = await sink(definition, { subscriptionType: 'Failover', ordered: true })
    await eventually(() => stats.written === 3)
    await stop()
    expect(Object.fromEntries(state)).toEqual({ k: 'k=2', j: 'j=1' })
  })

  it('opens the connector again when the connection is lost, and loses nothing', async () => {
    const { produce, sink } = bind(await world())
    let down = 2
    const probe = collecting(() => (down-- > 0 ? new ConnectionError('connection reset by peer') : undefined))
    await produce(IN, numbers(5))
    const { stop, stats, logs } = await sink(probe.definition)
    await eventually(() => stats.written >= 5)
    await stop()
    expect(new Set(probe.written)).toEqual(new Set(numbers(5)))
    expect(probe.opens.length).toBeGreaterThan(1)
    expect(logs.map(({ message }) => message)).toContain('connection lost; nothing is lost, reconnecting')
  })

  it('opens the connector again when it tells of a lost connection, though there is nothing to write', async () => {
    const { sink } = bind(await world())
    const contexts: SinkContext[] = []
    const definition = defineSink({
      name: 'probe',
      summary: 'Probe.',
      config: z.strictObject({}),
      delivery: 'at-least-once',
      batch: {},
      create: (): BatchSink => ({
        open: (_, context) => void contexts.push(context),
        write: async () => undefined,
        close: () => undefined,
      }),
    })
    const { stop, stats } = await sink(definition)
    contexts[0]?.connection('blocked', 'no memory')
    expect(stats.snapshot(0)).toMatchObject({ state: 'blocked', reason: 'no memory' })
    contexts[0]?.lost(new ConnectionError('connection reset by peer'))
    // The second time changes nothing: it is being replaced already.
    contexts[0]?.lost(new ConnectionError('connection reset by peer'))
    await eventually(() => stats.state === 'reconnecting')
    await eventually(() => stats.state === 'running')
    contexts[0]?.lost(new ConnectionError('of the one before'))
    expect(stats.state).toBe('running')
    await stop()
    expect(contexts).toHaveLength(2)
  })

  it('blocks while credentials are refused: nothing is dropped, and status says so', async () => {
    const { produce, sink, client } = bind(await world())
    const probe = collecting(() => new AuthError('401 for user es'))
    await produce(IN, numbers(3))
    const { close, stats } = await sink(probe.definition)
    await eventually(() => stats.state === 'blocked')
    expect(stats.snapshot(0)).toMatchObject({
      state: 'blocked',
      reason: '401 for user es',
      written: 0,
      deadLettered: 0,
    })
    await close()
    expect((await client.topics.stats(IN)).subscriptions[0]?.backlog).toBe(3)
  })

  it('ends with the error of a bug, and the records come again', async () => {
    const { produce, sink, client } = bind(await world())
    const probe = collecting(() => {
      throw new TypeError('x is not a function')
    })
    await produce(IN, numbers(3))
    const { running, close } = await sink(probe.definition)
    await expect(running).rejects.toThrow('x is not a function')
    await close()
    expect((await client.topics.stats(IN)).subscriptions[0]?.backlog).toBe(3)
  })

  it('acknowledges on receipt and tries once with ATMOST_ONCE', async () => {
    const { produce, sink, client } = bind(await world())
    const probe = collecting(text => (text === 'r1' ? new TransientError('busy') : undefined))
    await produce(IN, numbers(3))
    const { stop, stats } = await sink(probe.definition, { guarantee: 'ATMOST_ONCE' })
    await eventually(() => stats.written === 2 && stats.deadLettered === 1)
    await stop()
    expect(probe.attempts.get('r1')).toBe(1)
    expect((await client.topics.stats(IN)).subscriptions[0]?.backlog).toBe(0)
  })

  it('waits at a stop for what is in flight', async () => {
    const { produce, sink, client } = bind(await world())
    let release: () => void = () => undefined
    const slow: SinkDefinition = defineSink({
      name: 'probe',
      summary: 'Probe.',
      config: z.strictObject({}),
      delivery: 'at-least-once',
      batch: {},
      create: () => ({
        open: () => undefined,
        write: () => new Promise<void>(resolve => (release = resolve)),
        close: () => undefined,
      }),
    })
    await produce(IN, numbers(4))
    const { stop, stats } = await sink(slow)
    await eventually(() => stats.inFlight === 4)
    const stopping = stop()
    release()
    expect(await stopping).toBe(0)
    expect((await client.topics.stats(IN)).subscriptions[0]?.backlog).toBe(0)
  })

  it('takes the outcome from the record where a sink settles records itself', async () => {
    const { produce, sink, contents } = bind(await world())
    const definition = defineSink<z.ZodObject, Uint8Array>({
      name: 'probe',
      summary: 'Probe.',
      config: z.strictObject({}),
      delivery: 'at-least-once',
      settles: 'record',
      create: () => ({
        open: () => undefined,
        write: record =>
          void setTimeout(
            () =>
              Buffer.from(record.value ?? []).toString() === 'r1' ? record.fail(new RecordError('nack')) : record.ack(),
            1,
          ),
        close: () => undefined,
      }),
    })
    await produce(IN, numbers(3))
    const { stop, stats } = await sink(definition)
    await eventually(() => stats.written === 2 && stats.deadLettered === 1)
    await stop()
    expect(await contents(DLQ)).toHaveLength(1)
  })
})

describe('a transactional sink', () => {
  /** Rows and positions change together or not at all, as in a database. */
  function database() {
    const rows: string[] = []
    const positions = new Map<string, PartitionCheckpoint>()
    const definition = (judge: (text: string) => Outcome = () => undefined, lieOnce = { about: '' }) =>
      defineSink<z.ZodObject, Uint8Array>({
        name: 'probe',
        summary: 'Probe.',
        config: z.strictObject({}),
        delivery: 'transactional',
        batch: { maxRecords: 4 },
        create: () => ({
          open: () => undefined,
          committed: async () => [...positions.values()],
          write: async (records, { checkpoint }: BatchInfo) => {
            const texts = records.map(({ value }) => Buffer.from(value ?? []).toString())
            const outcomes = texts.map(judge)
            if (outcomes.some(outcome => outcome)) return outcomes
            rows.push(...texts)
            for (const one of checkpoint) positions.set(`${one.topic}#${one.partition}`, one)
            if (lieOnce.about && texts.includes(lieOnce.about)) {
              lieOnce.about = ''
              throw new ConnectionError('connection lost after COMMIT was sent')
            }
            return outcomes
          },
          close: () => undefined,
        }),
      })
    return { rows, positions, definition }
  }
  const exactly = { guarantee: 'EFFECTIVELY_ONCE', subscriptionType: 'Failover', ordered: true } as const

  it('does not write again what a commit of unknown outcome already stored', async () => {
    const { produce, sink } = bind(await world())
    const db = database()
    await produce(IN, numbers(12))
    const { stop, stats } = await sink(db.definition(undefined, { about: 'r5' }), exactly)
    await eventually(() => stats.inFlight === 0 && stats.received === 12)
    await stop()
    expect(db.rows).toEqual(numbers(12))
    expect(stats.deduplicated).toBe(4)
  })

  it('skips what an earlier run committed but did not acknowledge', async () => {
    const { produce, sink, contents } = bind(await world())
    const db = database()
    await produce(IN, numbers(6))
    const third = (await contents(IN))[2]
    if (!third) throw new Error('no third message')
    db.rows.push('r0', 'r1', 'r2')
    db.positions.set(`${IN}#0`, { topic: IN, partition: 0, position: third.position })
    const { stop, stats } = await sink(db.definition(), exactly)
    await eventually(() => stats.written === 3)
    await stop()
    expect(db.rows).toEqual(numbers(6))
  })

  it('skips nothing without EFFECTIVELY_ONCE: records of a shared subscription come in any order', async () => {
    const { produce, sink, contents } = bind(await world())
    const db = database()
    await produce(IN, numbers(6))
    const last = (await contents(IN)).at(-1)
    if (!last) throw new Error('no message')
    db.positions.set(`${IN}#0`, { topic: IN, partition: 0, position: last.position })
    const { stop, stats } = await sink(db.definition())
    await eventually(() => stats.written === 6)
    await stop()
    expect(db.rows).toEqual(numbers(6))
  })

  it('dead-letters a rejected record first, and then commits the rest with the position of the whole batch', async () => {
    const { produce, sink, contents } = bind(await world())
    const db = database()
    await produce(IN, numbers(4))
    const { stop, stats } = await sink(
      db.definition(text => (text === 'r3' ? new RecordError('bad row') : undefined)),
      exactly,
    )
    await eventually(() => stats.written === 3 && stats.deadLettered === 1)
    await stop()
    expect(db.rows).toEqual(['r0', 'r1', 'r2'])
    const last = (await contents(IN)).at(-1)
    const [stored] = [...db.positions.values()]
    expect(stored && last && comparePositions(stored.position, last.position)).toBe(0)
  })
})

describe('a sink that is transactional under EFFECTIVELY_ONCE alone', () => {
  it('is not given again what it wrote beside a rejected record', async () => {
    const { produce, sink } = bind(await world())
    const writes: string[][] = []
    const definition = defineSink<z.ZodObject, Uint8Array>({
      name: 'probe',
      summary: 'Probe.',
      config: z.strictObject({}),
      delivery: 'transactional',
      atomic: 'effectively-once',
      batch: {},
      create: () => ({
        open: () => undefined,
        committed: async () => [],
        write: async records => {
          const texts = records.map(({ value }) => Buffer.from(value ?? []).toString())
          writes.push(texts)
          return texts.map(text => (text === 'r1' ? new RecordError('bad') : undefined))
        },
        close: () => undefined,
      }),
    })
    await produce(IN, numbers(3))
    const { stop, stats } = await sink(definition)
    await eventually(() => stats.written === 2 && stats.deadLettered === 1)
    await stop()
    expect(writes).toEqual([numbers(3)])
  })
})

describe('dead letter topics', () => {
  it('are named after topic and subscription; a slash becomes a dash', () => {
    expect(defaultDeadLetterTopic('persistent://a/b/t', 'public/default/es')).toBe(
      'persistent://a/b/t-public-default-es-DLQ',
    )
  })
})

/** Methods that can be taken apart. */
function bind(one: Awaited<ReturnType<typeof world>>) {
  return {
    client: one.client,
    produce: one.produce.bind(one),
    contents: one.contents.bind(one),
    sink: one.sink.bind(one),
  }
}
