import { type BatchSink, defineSink, defineSource, type Record, type SourceRecord } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { eventually, world } from './harness.ts'

const IN = 'persistent://public/default/in'
const OUT = 'persistent://public/default/out'
const TRANSFORMS = ['filter:id != 2', 'phone:phone;country=DE', 'drop:email']

const order = (id: number, phone: string) => `{"id":${id},"phone":"${phone}","email":"a@b.c"}`
const BATCH = [order(1, '030 123456'), order(2, '030 123456'), order(3, 'nonsense'), order(4, '+4930123457')]

function collecting() {
  const records: Record[] = []
  const sink: BatchSink = {
    open: () => undefined,
    write: async batch => void records.push(...batch),
    close: () => undefined,
  }
  const definition = defineSink({
    name: 'probe',
    summary: 'Probe.',
    config: z.strictObject({}),
    delivery: 'idempotent',
    batch: {},
    create: () => sink,
  })
  return { definition, records }
}

describe('transforms before a sink', () => {
  it.each([
    ['Shared', 'ATLEAST_ONCE'],
    ['Failover', 'EFFECTIVELY_ONCE'],
    ['Shared', 'ATMOST_ONCE'],
  ] as const)(
    'write what passes, acknowledge what is filtered, dead-letter what cannot be handled (%s, %s)',
    async (subscriptionType, guarantee) => {
      const one = await world()
      await one.produce(IN, BATCH, { type: 'JSON' })
      const { definition, records } = collecting()
      const task = await one.sink(definition, { transforms: TRANSFORMS, subscriptionType, guarantee })
      await eventually(async () => records.length === 2 && task.stats.inFlight === 0 && (await task.task.lag()) === 0)
      expect(records.map(({ value }) => value)).toEqual([
        { id: 1, phone: '+4930123456' },
        { id: 4, phone: '+4930123457' },
      ])
      expect(task.stats).toMatchObject({ received: 4, written: 2, filtered: 1, deadLettered: 1, inFlight: 0 })
      await task.stop()
      const [letter] = await one.contents('persistent://public/default/in-sub-DLQ')
      expect(Buffer.from(letter?.payload ?? []).toString()).toBe(BATCH[2])
      expect(letter?.properties).toMatchObject({
        'pulsar-io-code': 'PIO_TRANSFORM',
        'pulsar-io-reason': 'transform 2 (phone): phone is no valid phone number of DE',
      })
    },
  )

  it('settle a batch of which nothing passes', async () => {
    const one = await world()
    await one.produce(IN, BATCH)
    const { definition, records } = collecting()
    const task = await one.sink(definition, { transforms: ['filter:false'] })
    await eventually(
      async () => task.stats.filtered === 4 && task.stats.inFlight === 0 && (await task.task.lag()) === 0,
    )
    expect(records).toEqual([])
    expect(task.stats.inFlight).toBe(0)
    await task.stop()
  })
})

describe('transforms behind a source', () => {
  const emitting = (records: readonly SourceRecord[], chunk: number) => {
    let at = 0
    return defineSource({
      name: 'probe',
      summary: 'Probe.',
      config: z.strictObject({}),
      delivery: 'replayable',
      schema: { type: 'JSON' },
      create: () => ({
        open: () => undefined,
        read: async () => {
          const some = records.slice(at, at + chunk)
          at += chunk
          return some.length === 0 ? null : some
        },
        close: () => undefined,
      }),
    })
  }

  it.each(['ATLEAST_ONCE', 'EFFECTIVELY_ONCE', 'ATMOST_ONCE'] as const)(
    'publish what passes in order, confirm what is filtered, dead-letter what cannot be handled (%s)',
    async guarantee => {
      const one = await world()
      const acked: number[] = []
      const records = BATCH.map((text, i) => ({
        value: JSON.parse(text) as object,
        key: `k${i}`,
        partitionId: 'p',
        sequence: BigInt(i),
        offset: { i },
        ack: () => void acked.push(i),
      }))
      const task = await one.source(emitting(records, 1), { transforms: TRANSFORMS, guarantee })
      await task.running
      await task.stop()
      expect(await one.texts(OUT)).toEqual(['{"id":1,"phone":"+4930123456"}', '{"id":4,"phone":"+4930123457"}'])
      expect(acked).toEqual([0, 1, 2, 3])
      expect(task.stats).toMatchObject({ received: 4, written: 2, filtered: 1, deadLettered: 1, inFlight: 0 })
      const [letter] = await one.contents('persistent://public/default/out-public-default-probe-DLQ')
      expect(Buffer.from(letter?.payload ?? []).toString()).toBe(BATCH[2])
      expect(letter).toMatchObject({ key: 'k2', properties: { 'pulsar-io-code': 'PIO_TRANSFORM' } })
      // The connector's own record is as it was.
      expect(records[0]?.value).toEqual(JSON.parse(BATCH[0] ?? ''))
      const offsets = await one.client.openStore('public/default/probe')
      const stored = (await offsets.entries()).map(([, value]) => Buffer.from(value).toString())
      expect(stored.join()).toContain('3')
      await offsets.close()
    },
  )

  it('keep the order of what a source pushes at once, also where an expression takes its time', async () => {
    const one = await world()
    const numbered = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => ({ value: { i: from + i } }))
    const pushing = defineSource({
      name: 'probe',
      summary: 'Probe.',
      config: z.strictObject({}),
      delivery: 'at-least-once',
      style: 'push',
      schema: { type: 'JSON' },
      create: () => ({
        open: (_config, _context, emit: (records: readonly SourceRecord[]) => Promise<void>) => {
          void emit(numbered(0, 200))
          void emit(numbered(200, 201))
          void emit(numbered(201, 210))
        },
        close: () => undefined,
      }),
    })
    const task = await one.source(pushing, { transforms: ['filter:i >= 0'] })
    await eventually(() => task.stats.written === 210)
    await task.stop()
    expect((await one.texts(OUT)).map(text => (JSON.parse(text) as { i: number }).i)).toEqual(
      Array.from({ length: 210 }, (_, i) => i),
    )
  })
})
