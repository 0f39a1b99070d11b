import { comparePositions, type Position } from '@pulsar-io/sdk'
import { createStateStore } from '@pulsar-io/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PartitionClock } from '../src/clock.ts'
import { Clocks } from '../src/clocks.ts'
import { recordsOf } from './support.ts'

const T0 = Date.UTC(2026, 0, 1)
const at = (entryId: number, batchIndex = -1, ledgerId = 1): Position => ({
  ledgerId: BigInt(ledgerId),
  entryId: BigInt(entryId),
  batchIndex,
})

/** A log as a broker has it: entries with or without batches, ledgers that end, clocks that jump. */
const log = fc
  .array(
    fc.record({
      batch: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 })),
      skip: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 9000 })),
      newLedger: fc.integer({ min: 0, max: 20 }).map(n => n === 0),
      ms: fc.oneof(fc.constant(0), fc.integer({ min: -3000, max: 5000 })),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map(entries => {
    const messages: { position: Position; publishTime: number }[] = []
    let [ledger, entry, time] = [1, 0, T0]
    for (const { batch, skip, newLedger, ms } of entries) {
      if (newLedger) [ledger, entry] = [ledger + 3, 0]
      entry += 1 + skip
      time += ms
      for (let i = batch === 0 ? -1 : 0; i < batch; i++)
        messages.push({ position: at(entry, i, ledger), publishTime: time })
    }
    return messages
  })

describe('timestamps of a partition', () => {
  it('grow with the position, stay the same, and survive any restart and any cut into batches', async () => {
    await fc.assert(
      fc.asyncProperty(log, fc.infiniteStream(fc.integer({ min: 1, max: 30 })), async (messages, sizes) => {
        const records = messages.map(({ position, publishTime }) => ({
          ...recordsOf([{}], { publishTime })[0],
          position,
        })) as ReturnType<typeof recordsOf>
        const state = createStateStore()
        const first: bigint[] = []
        for (let from = 0; from < records.length; ) {
          const to = from + (sizes.next().value as number)
          first.push(...(await new Clocks(state).timestamps(records.slice(from, to))))
          // A part comes again, from another owner, some of it left out.
          const again = records.slice(Math.max(0, from - 20), to).filter((_, i) => i % 3 !== 0)
          const expected = first.slice(Math.max(0, from - 20), to).filter((_, i) => i % 3 !== 0)
          expect(await new Clocks(state).timestamps(again)).toEqual(expected)
          from = to
        }
        for (let i = 1; i < first.length; i++) expect(first[i]).toBeGreaterThan(first[i - 1] ?? 0n)
      }),
      { numRuns: 150 },
    )
  })

  it('are near the publish time', () => {
    const clock = new PartitionClock()
    for (let i = 0; i < 20_000; i++) {
      const publishTime = T0 + i * 37
      const timestamp = clock.find(at(i), publishTime) ?? clock.begin(at(i), publishTime, 0)
      expect(Math.abs(Number(timestamp) / 1000 - publishTime)).toBeLessThan(1001)
    }
    expect(clock.stretches.length).toBeLessThanOrEqual(32)
  })

  it('hold for batches that are larger than any before', () => {
    const clock = new PartitionClock()
    const positions = [at(0), at(1, 0), at(1, 1), at(1, 2), at(2, 0), at(2, 5000), at(3)]
    const stamps = positions.map(position => clock.find(position, T0) ?? clock.begin(position, T0, 0))
    expect(stamps).toEqual([...stamps].sort((a, b) => (a < b ? -1 : 1)))
    expect(new Set(stamps).size).toBe(stamps.length)
  })

  it('of what is read again from far back never beat what was written since', async () => {
    const state = createStateStore()
    const records = recordsOf(Array.from({ length: 40_000 }, () => null)).map((record, i) => ({
      ...record,
      publishTime: T0 + i * 10,
    }))
    const clocks = new Clocks(state)
    const written: bigint[] = []
    for (let i = 0; i < records.length; i += 1000)
      written.push(...(await clocks.timestamps(records.slice(i, i + 1000))))
    const rewound = new Clocks(state)
    let last = 0n
    for (let i = 0; i < records.length; i += 1000) {
      const again = await rewound.timestamps(records.slice(i, i + 1000))
      again.forEach((timestamp, j) => {
        expect(timestamp <= (written[i + j] ?? 0n)).toBe(true)
        expect(timestamp > last).toBe(true)
        last = timestamp
      })
    }
  })

  it('compare by position where nothing else is known', async () => {
    const records = recordsOf([1, 2, 3])
    const stamps = await Promise.all(
      records.map(async record => (await new Clocks(createStateStore()).timestamps([record]))[0] ?? 0n),
    )
    expect(comparePositions(at(0), at(1))).toBeLessThan(0)
    expect(stamps).toEqual([...stamps].sort((a, b) => (a < b ? -1 : 1)))
    expect(new Set(stamps).size).toBe(3)
  })

  it('that cannot be stored are not used', async () => {
    const state = { ...createStateStore(), put: async () => Promise.reject(new Error('disk full')) }
    await expect(new Clocks(state).timestamps(recordsOf([1]))).rejects.toMatchObject({
      code: 'PIO_CASSANDRA_STATE',
      retry: 'retry',
      message: expect.stringContaining('disk full'),
    })
  })
})
