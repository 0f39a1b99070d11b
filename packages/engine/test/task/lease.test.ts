import { type BatchSink, defineSink, defineSource, type Emit, type SourceRecord } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { InstanceLease } from '../../src/lease.ts'
import { eventually, world } from './harness.ts'

const IN = 'persistent://public/default/in'
const OUT = 'persistent://public/default/out'

function collecting() {
  const written: string[] = []
  const sink: BatchSink<unknown, Uint8Array> = {
    open: () => undefined,
    write: async records => {
      for (const { value } of records) written.push(Buffer.from(value ?? []).toString())
    },
    close: () => undefined,
  }
  const config = z.strictObject({})
  return {
    written,
    definition: defineSink({
      name: 'probe',
      summary: 'Probe.',
      config,
      delivery: 'at-least-once',
      batch: {},
      create: () => sink,
    }),
  }
}

/** A source that emits what the test says, when it says so. */
function emitting() {
  let emit: Emit | undefined
  const definition = defineSource({
    name: 'probe',
    summary: 'Probe.',
    config: z.strictObject({}),
    style: 'push',
    delivery: 'replayable',
    create: () => ({
      open: (_config: unknown, _context: unknown, given: Emit) => {
        emit = given
      },
      close: () => undefined,
    }),
  })
  const record = (i: number): SourceRecord => ({
    value: `n${i}`,
    partitionId: 'p',
    sequence: BigInt(i),
    offset: { next: i },
  })
  return { definition, emit: (i: number) => void emit?.(record(i)) }
}

describe('a lease', () => {
  it('that is over holds writes back, until it goes on', async () => {
    const w = await world()
    const lease = new InstanceLease()
    lease.renew(0)
    const { definition, written } = collecting()
    await w.produce(IN, ['a', 'b'])
    const task = await w.sink(definition, { initialPosition: 'Earliest', lease: lease.memory })
    await eventually(() => task.stats.inFlight === 2)
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(written).toEqual([])
    lease.renew(60_000)
    await eventually(() => written.length === 2)
    lease.renew(0)
    await w.produce(IN, ['c'])
    await eventually(() => task.stats.inFlight === 1)
    // What was not written is not acknowledged either.
    expect(await task.stop(50)).toBe(1)
    expect(written).toEqual(['a', 'b'])
  })

  it('that is over holds publishes back, and nothing overtakes them', async () => {
    const w = await world()
    const lease = new InstanceLease()
    lease.renew(60_000)
    const { definition, emit } = emitting()
    const task = await w.source(definition, { guarantee: 'EFFECTIVELY_ONCE', lease: lease.memory })
    emit(1)
    await eventually(async () => (await w.texts(OUT)).length === 1)
    lease.renew(0)
    emit(2)
    await eventually(() => task.stats.state === 'reconnecting')
    expect(await w.texts(OUT)).toEqual(['n1'])
    lease.renew(60_000)
    emit(3)
    await eventually(async () => (await w.texts(OUT)).length === 3)
    expect(await w.texts(OUT)).toEqual(['n1', 'n2', 'n3'])
  })
})
