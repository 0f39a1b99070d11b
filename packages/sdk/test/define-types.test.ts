import { describe, expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod'
import {
  type BatchInfo,
  defineSink,
  defineSource,
  type Emit,
  integer,
  type Record,
  type SinkContext,
  type SourceContext,
} from '../src/index.ts'

const described = {
  name: 'inline',
  summary: 'Does nothing.',
  config: z.strictObject({ size: integer().default(1).meta({ description: 'Size' }) }),
} as const

describe('types of what is written inline', () => {
  it('of a sink of batches', () => {
    const sink = defineSink({
      ...described,
      delivery: 'at-least-once',
      batch: { maxRecords: 10 },
      create: () => ({
        open(config, context) {
          expectTypeOf(config).toEqualTypeOf<{ size: number }>()
          expectTypeOf(context).toEqualTypeOf<SinkContext>()
        },
        async write(records, batch) {
          expectTypeOf(records).toEqualTypeOf<readonly Record<unknown>[]>()
          expectTypeOf(batch).toEqualTypeOf<BatchInfo>()
        },
        close: () => undefined,
      }),
    })
    expect(sink.batched).toBe(true)
  })

  it('of a sink of batches whose policy depends on the configuration', () => {
    const sink = defineSink({
      ...described,
      delivery: 'at-least-once',
      batch: config => {
        expectTypeOf(config).toEqualTypeOf<{ size: number }>()
        return { maxRecords: config.size }
      },
      create: () => ({
        open: () => undefined,
        write: async records => records.map(() => undefined),
        close: () => undefined,
      }),
    })
    expect(sink.batchPolicy({ size: 3 })).toEqual({ maxRecords: 3 })
  })

  it('of a sink of single records', () => {
    const sink = defineSink({
      ...described,
      delivery: 'idempotent',
      create: () => ({
        open: () => undefined,
        write(record) {
          expectTypeOf(record).toEqualTypeOf<Record<unknown>>()
        },
        close: () => undefined,
      }),
    })
    expect(sink.batched).toBe(false)
  })

  it('of sources', () => {
    const pull = defineSource({
      ...described,
      delivery: 'replayable',
      create: () => ({
        open(config, context) {
          expectTypeOf(config).toEqualTypeOf<{ size: number }>()
          expectTypeOf(context).toEqualTypeOf<SourceContext>()
        },
        read: async () => null,
        close: () => undefined,
      }),
    })
    const push = defineSource({
      ...described,
      delivery: 'at-least-once',
      style: 'push',
      create: () => ({
        open(_config, _context, emit) {
          expectTypeOf(emit).toEqualTypeOf<Emit>()
        },
        close: () => undefined,
      }),
    })
    expect([pull.style, push.style]).toEqual(['pull', 'push'])
  })

  it('refuses a sink of batches that says nothing of them', () => {
    const declare = () =>
      defineSink({
        ...described,
        delivery: 'at-least-once',
        create: () => ({
          open: () => undefined,
          // @ts-expect-error one record, not several
          write: async (records: readonly Record[]) => void records.length,
          close: () => undefined,
        }),
      })
    expect(declare().batched).toBe(false)
  })
})
