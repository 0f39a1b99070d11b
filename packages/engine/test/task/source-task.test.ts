import {
  type BatchSource,
  ConnectionError,
  defineSource,
  type Emit,
  type Offset,
  type SourceContext,
  type SourceRecord,
} from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { eventually, world } from './harness.ts'

const OUT = 'persistent://public/default/out'

/** A source that counts from 0 to `end`, and resumes behind the offset that it is handed. */
function counting(
  end: number,
  options: { readonly chunk?: number; readonly failAt?: number; readonly ignoreOffset?: boolean } = {},
) {
  const acked: bigint[] = []
  const starts: number[] = []
  let failures = options.failAt === undefined ? 0 : 1
  const definition = defineSource({
    name: 'probe',
    summary: 'Probe.',
    config: z.strictObject({}),
    delivery: 'replayable',
    create: () => {
      let next = 0
      return {
        open: (_config: unknown, context: SourceContext) => {
          const offset = options.ignoreOffset ? undefined : context.offsets.get('p')
          next = offset ? Number(offset.next) : 0
          starts.push(next)
        },
        read: async () => {
          if (next >= end) return null
          if (failures > 0 && next >= (options.failAt ?? 0)) {
            failures--
            throw new ConnectionError('connection reset')
          }
          const records: SourceRecord[] = []
          for (let i = 0; i < (options.chunk ?? 10) && next < end; i++, next++) {
            const sequence = BigInt(next)
            const offset: Offset = { next: next + 1 }
            records.push({
              value: `n${next}`,
              partitionId: 'p',
              sequence,
              offset,
              ack: () => void acked.push(sequence),
            })
          }
          return records
        },
        close: () => undefined,
      }
    },
  })
  return { definition, acked, starts }
}

const numbers = (n: number) => Array.from({ length: n }, (_, i) => `n${i}`)

describe('a source task', () => {
  it('publishes everything in order, settles each record, and finishes at the end of the source', async () => {
    const one = await world()
    const probe = counting(1234, { chunk: 100 })
    const { running, stats, close } = await one.source(probe.definition)
    await expect(running).resolves.toBe('finished')
    await close()
    expect(await one.texts(OUT)).toEqual(numbers(1234))
    expect(probe.acked).toHaveLength(1234)
    expect(stats.snapshot(0)).toMatchObject({ received: 1234, written: 1234, inFlight: 0 })
  })

  it('resumes behind the last published record', async () => {
    const one = await world()
    const first = await one.source(counting(20).definition)
    await first.running
    await first.close()
    const probe = counting(50)
    const second = await one.source(probe.definition)
    await second.running
    await second.close()
    expect(probe.starts).toEqual([20])
    expect(await one.texts(OUT)).toEqual(numbers(50))
    const told = (logs: typeof first.logs) => logs.filter(({ message }) => message.startsWith('goes on where')).length
    expect([told(first.logs), told(second.logs)]).toEqual([0, 1])
  })

  it('drops what the topic already has when it reads again, with EFFECTIVELY_ONCE', async () => {
    const one = await world()
    const guarantee = { guarantee: 'EFFECTIVELY_ONCE' } as const
    const first = await one.source(counting(30).definition, guarantee)
    await first.running
    await first.close()
    const again = await one.source(counting(40, { ignoreOffset: true }).definition, guarantee)
    await again.running
    await again.close()
    expect(await one.texts(OUT)).toEqual(numbers(40))
    expect(again.stats.deduplicated).toBe(30)
  })

  it('goes through more partitions than it keeps producers for, with EFFECTIVELY_ONCE', async () => {
    const one = await world()
    const kept = 256
    const record = (p: number, sequence: bigint) => ({ value: `${p}:${sequence}`, partitionId: `p${p}`, sequence })
    // One partition too many closes the producer of the first one, which is then wanted at once.
    const batches = [Array.from({ length: kept }, (_, p) => record(p, 0n)), [record(kept, 0n)], [record(0, 1n)]]
    const definition = defineSource({
      name: 'probe',
      summary: 'Probe.',
      config: z.strictObject({}),
      delivery: 'replayable',
      create: () => ({
        open: () => undefined,
        read: async () => batches.shift() ?? null,
        close: () => undefined,
      }),
    })
    const { running, close, stats } = await one.source(definition, { guarantee: 'EFFECTIVELY_ONCE' })
    await expect(running).resolves.toBe('finished')
    await close()
    expect(await one.texts(OUT)).toHaveLength(kept + 2)
    expect(stats.snapshot(0)).toMatchObject({ written: kept + 2, systemErrors: 0 })
  })

  it('gives the producer of a partition back when another instance takes the partition over', async () => {
    const one = await world()
    const contexts: SourceContext[] = []
    const definition = (from: number) =>
      defineSource({
        name: 'probe',
        summary: 'Probe.',
        config: z.strictObject({}),
        delivery: 'replayable',
        create: () => {
          let open: SourceContext | undefined
          let next = from
          return {
            open: (_config: unknown, context: SourceContext) => {
              open = context
              contexts.push(context)
            },
            read: async () => {
              if (next < from + 5) return { value: `n${next}`, partitionId: 'p', sequence: BigInt(next++) }
              await new Promise<void>(done => open?.signal.addEventListener('abort', () => done()))
              return []
            },
            close: () => undefined,
          }
        },
      })
    const guarantee = { guarantee: 'EFFECTIVELY_ONCE' } as const
    const first = await one.source(definition(0), guarantee)
    await eventually(() => first.stats.received === 5)
    await contexts[0]?.release?.('p')
    expect(first.stats.written).toBe(5)
    const second = await one.source(definition(5), { ...guarantee, instanceId: 1 })
    await eventually(() => second.stats.written === 5)
    for (const each of [first, second]) await each.close()
    expect(await one.texts(OUT)).toEqual(numbers(10))
  })

  it('refuses a record without sequence with EFFECTIVELY_ONCE', async () => {
    const one = await world()
    const definition = defineSource({
      name: 'probe',
      summary: 'Probe.',
      config: z.strictObject({}),
      delivery: 'replayable',
      create: () => ({ open: () => undefined, read: async () => ({ value: 'x' }), close: () => undefined }),
    })
    const { running } = await one.source(definition, { guarantee: 'EFFECTIVELY_ONCE' })
    await expect(running).rejects.toMatchObject({ code: 'PIO_SOURCE_NO_SEQUENCE' })
  })

  it('opens the source again behind what is published when the connection is lost', async () => {
    const one = await world()
    const probe = counting(40, { failAt: 20 })
    const { running, close } = await one.source(probe.definition)
    await running
    await close()
    expect(probe.starts).toEqual([0, 20])
    expect(await one.texts(OUT)).toEqual(numbers(40))
  })

  it('keeps keys, properties, event times, tombstones and other topics', async () => {
    const one = await world()
    const records: SourceRecord[] = [
      { value: { a: 1 }, key: 'k', properties: { p: 'v' }, eventTime: 123 },
      { value: null, key: 'gone' },
      { value: { b: 2 }, destinationTopic: 'elsewhere' },
    ]
    const definition = defineSource({
      name: 'probe',
      summary: 'Probe.',
      config: z.strictObject({}),
      delivery: 'at-least-once',
      schema: { type: 'JSON' },
      create: () => ({ open: () => undefined, read: async () => records.shift() ?? null, close: () => undefined }),
    })
    const { running, close } = await one.source(definition)
    await running
    await close()
    const [first, second] = await one.contents(OUT)
    expect(first).toMatchObject({ key: 'k', properties: { p: 'v' }, eventTime: 123, schema: { type: 'JSON' } })
    expect(second).toMatchObject({ key: 'gone', payload: null })
    expect(await one.texts('elsewhere')).toEqual(['{"b":2}'])
  })

  it('hands a value that does not fit back to the source', async () => {
    const one = await world()
    const failed: Error[] = []
    const records: SourceRecord[] = [{ value: 5, fail: error => void failed.push(error) }, { value: 'ok' }]
    const definition = defineSource({
      name: 'probe',
      summary: 'Probe.',
      config: z.strictObject({}),
      delivery: 'at-least-once',
      schema: { type: 'STRING' },
      create: () => ({ open: () => undefined, read: async () => records.shift() ?? null, close: () => undefined }),
    })
    const { running, close } = await one.source(definition)
    await running
    await close()
    expect(failed).toMatchObject([{ code: 'PIO_SCHEMA_ENCODE' }])
    expect(await one.texts(OUT)).toEqual(['ok'])
  })
})

describe('a push source task', () => {
  it('waits with emit while too much is on its way, and settles in order', async () => {
    const one = await world()
    let emit: Emit<string> | undefined
    const definition = defineSource<z.ZodObject, string>({
      name: 'probe',
      summary: 'Probe.',
      config: z.strictObject({}),
      delivery: 'at-least-once',
      style: 'push',
      create: () => ({
        open: (_config, _context, push) => {
          emit = push
        },
        close: () => undefined,
      }),
    })
    const { stop, stats } = await one.source(definition, { maxPending: 10 })
    const acked: number[] = []
    let highest = 0
    for (let i = 0; i < 100; i++) {
      await emit?.({ value: `n${i}`, ack: () => void acked.push(i) })
      highest = Math.max(highest, stats.inFlight)
    }
    expect(await stop()).toBe(0)
    expect(highest).toBeLessThanOrEqual(10)
    expect(acked).toEqual(Array.from({ length: 100 }, (_, i) => i))
    expect(await one.texts(OUT)).toEqual(numbers(100))
  })
})

describe('a batch source task', () => {
  it('discovers tasks on instance 0, works through them and finishes when all are done', async () => {
    const one = await world()
    const definition = defineSource({
      name: 'probe',
      summary: 'Probe.',
      config: z.strictObject({}),
      delivery: 'at-least-once',
      style: 'batch',
      create: (): BatchSource => {
        let left: string[] = []
        return {
          open: () => undefined,
          discover: async emitTask => {
            for (const name of ['a', 'b', 'c']) await emitTask(Buffer.from(name))
          },
          prepare: async task => {
            const name = Buffer.from(task).toString()
            left = [`${name}1`, `${name}2`]
          },
          readNext: async () => {
            const value = left.shift()
            return value === undefined ? null : { value }
          },
          close: () => undefined,
        }
      },
    })
    const { running, close } = await one.source(definition)
    await expect(running).resolves.toBe('finished')
    await close()
    expect([...(await one.texts(OUT))].sort()).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2'])
    await eventually(async () => (await one.client.topics.stats('probe-intermediate')).subscriptions[0]?.backlog === 0)
  })
})
