import { type BatchSink, ConnectionError, defineSink, defineSource, type SourceRecord } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { eventually, world } from './harness.ts'

const IN = 'persistent://public/default/in'
const about = { name: 'probe', summary: 'Probe.', config: z.strictObject({}), delivery: 'at-least-once' } as const

type Log = { readonly message: string; readonly fields: { readonly retryInMs?: unknown } | undefined }
const waits = (logs: readonly Log[]) =>
  logs.flatMap(({ fields }) => (typeof fields?.retryInMs === 'number' ? [fields.retryInMs] : []))

describe('a connector that opens and then fails again', () => {
  it('makes a sink wait longer each time, until a record got through', async () => {
    const one = await world()
    let full = true
    const definition = defineSink({
      ...about,
      batch: { maxRecords: 1 },
      create: (): BatchSink => ({
        open: () => undefined,
        write: async () => {
          if (full) throw new ConnectionError('ENOSPC: no space left on device')
        },
        close: () => undefined,
      }),
    })
    await one.produce(IN, ['{"n":1}'])
    const { stop, stats, logs } = await one.sink(definition)
    await eventually(() => waits(logs).length === 4)
    full = false
    await eventually(() => stats.written === 1)
    full = true
    await one.produce(IN, ['{"n":2}'])
    await eventually(() => waits(logs).length === 5)
    full = false
    await eventually(() => stats.written === 2)
    await stop()
    const [, , , fourth = 0, fifth = 0] = waits(logs)
    // Each is between half and whole of 100, 200, 400, 800 ms, and of 100 again.
    expect(fourth).toBeGreaterThanOrEqual(400)
    expect(fifth).toBeLessThanOrEqual(100)
  })

  it('makes a source wait longer each time, until it has read a record', async () => {
    const one = await world()
    let [reads, answers] = [0, 0]
    const definition = defineSource({
      ...about,
      schema: { type: 'JSON' },
      create: () => ({
        open: () => undefined,
        read: async (): Promise<SourceRecord | null> => {
          reads++
          if (reads <= 4 || reads === 6) throw new ConnectionError('connection reset by peer')
          return answers++ < 2 ? { value: { reads } } : null
        },
        close: () => undefined,
      }),
    })
    const { running, close, logs } = await one.source(definition)
    await running
    await close()
    const [, , , fourth = 0, fifth = 0] = waits(logs)
    expect(fourth).toBeGreaterThanOrEqual(400)
    expect(fifth).toBeLessThanOrEqual(100)
  })
})
