import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StateStore } from '../src/index.ts'
import { comparePositions, type Position, PositionClocks, type Record } from '../src/index.ts'
import { PartitionClock } from '../src/position-clock.ts'

const T0 = Date.UTC(2026, 0, 1)
const at = (entryId: number, batchIndex = -1, ledgerId = 1): Position => ({
  ledgerId: BigInt(ledgerId),
  entryId: BigInt(entryId),
  batchIndex,
})

const recordAt = (position: Position, publishTime: number): Record =>
  ({
    topic: 'persistent://public/default/t',
    partition: 0,
    value: null,
    properties: {},
    position,
    publishTime,
  }) as never

/** Records of entries 0 to `count - 1`. */
const recordsOf = (count: number, everyMs = 0): Record[] =>
  Array.from({ length: count }, (_, i) => recordAt(at(i), T0 + i * everyMs))

function createStateStore(): StateStore {
  const values = new Map<string, Uint8Array>()
  const unused = () => Promise.reject(new Error('not used'))
  return {
    get: async key => values.get(key),
    put: async (key, value) => void values.set(key, value),
    delete: unused,
    increment: unused,
  }
}

const clocksOf = (state: StateStore) => new PositionClocks({ state, subscriptionType: 'Failover' }, 'PIO_STATE_OF_TEST')

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
        const records = messages.map(({ position, publishTime }) => recordAt(position, publishTime))
        const state = createStateStore()
        const first: bigint[] = []
        for (let from = 0; from < records.length; ) {
          const to = from + (sizes.next().value as number)
          first.push(...(await clocksOf(state).timestamps(records.slice(from, to))))
          // A part comes again, from another owner, some of it left out.
          const again = records.slice(Math.max(0, from - 20), to).filter((_, i) => i % 3 !== 0)
          const expected = first.slice(Math.max(0, from - 20), to).filter((_, i) => i % 3 !== 0)
          expect(await clocksOf(state).timestamps(again)).toEqual(expected)
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
    const records = recordsOf(40_000, 10)
    const clocks = clocksOf(state)
    const written: bigint[] = []
    for (let i = 0; i < records.length; i += 1000)
      written.push(...(await clocks.timestamps(records.slice(i, i + 1000))))
    const rewound = clocksOf(state)
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
    const records = recordsOf(3)
    const stamps = await Promise.all(
      records.map(async record => (await clocksOf(createStateStore()).timestamps([record]))[0] ?? 0n),
    )
    expect(comparePositions(at(0), at(1))).toBeLessThan(0)
    expect(stamps).toEqual([...stamps].sort((a, b) => (a < b ? -1 : 1)))
    expect(new Set(stamps).size).toBe(3)
  })

  it('need no state where no consumer owns a partition', async () => {
    const state = { ...createStateStore(), get: () => Promise.reject(new Error('not asked')) }
    const clocks = new PositionClocks({ state, subscriptionType: 'Shared' }, 'PIO_STATE_OF_TEST')
    const [first = 0n, second = 0n] = await clocks.timestamps(recordsOf(2))
    expect(second).toBeGreaterThan(first)
  })

  it('that cannot be stored are not used', async () => {
    const state = { ...createStateStore(), put: async () => Promise.reject(new Error('disk full')) }
    await expect(clocksOf(state).timestamps(recordsOf(1))).rejects.toMatchObject({
      code: 'PIO_STATE_OF_TEST',
      retry: 'retry',
      message: expect.stringContaining('disk full'),
    })
  })
})
