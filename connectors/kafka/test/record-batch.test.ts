import { Reader, readRecordsBatches } from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BatchRecord, encodeBatch, HEADER_BYTES, RECORD_BYTES } from '../src/driver/record-batch.ts'

const options = { compression: 'none', producerId: -1n, epoch: -1, firstSequence: -1, transactional: false }

const bytes = fc.uint8Array({ maxLength: 300 }).map(array => Buffer.from(array))
// Beyond 2^31 ms from each other: years.
const time = fc.integer({ min: 0, max: 4_102_444_800_000 })

const records: fc.Arbitrary<readonly BatchRecord[]> = fc.array(
  fc
    .record({
      key: fc.option(bytes, { nil: undefined }),
      value: fc.option(bytes, { nil: null }),
      headers: fc.option(
        fc.array(fc.tuple(bytes, bytes), { maxLength: 3 }).map(list => new Map(list)),
        { nil: undefined },
      ),
      timestamp: time,
    })
    .map(record => {
      let size = RECORD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0)
      for (const [name, text] of record.headers ?? []) size += HEADER_BYTES + name.length + text.length
      return { ...record, bytes: size }
    }),
  { minLength: 1, maxLength: 40 },
)

describe('a batch of records', () => {
  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'is read as it was written, compressed with %s',
    async compression => {
      await fc.assert(
        fc.asyncProperty(records, async list => {
          const batch = await encodeBatch(list, { ...options, compression })
          const [read, more] = readRecordsBatches(Reader.from(batch))
          expect(more).toBeUndefined()
          if (!read) throw new Error('nothing was read')
          const found = read.records.map(record => ({
            key: record.key ?? undefined,
            value: record.value,
            headers: record.headers,
            timestamp: Number(read.firstTimestamp + record.timestampDelta),
            offset: record.offsetDelta,
          }))
          expect(found).toEqual(
            list.map(({ key, value, headers, timestamp }, offset) => ({
              key,
              value,
              headers: [...(headers ?? [])],
              timestamp,
              offset,
            })),
          )
          expect(Number(read.maxTimestamp)).toBe(Math.max(...list.map(({ timestamp }) => timestamp)))
        }),
        { numRuns: 40 },
      )
    },
  )

  it('says who wrote it, from which number on, and that it is part of a transaction', async () => {
    const list = [{ key: undefined, value: Buffer.from('a'), headers: undefined, timestamp: 5, bytes: 50 }]
    const batch = await encodeBatch(list, {
      ...options,
      producerId: 77n,
      epoch: 3,
      firstSequence: 9,
      transactional: true,
    })
    const [read] = readRecordsBatches(Reader.from(batch))
    expect(read).toMatchObject({
      producerId: 77n,
      producerEpoch: 3,
      firstSequence: 9,
      attributes: 16,
      lastOffsetDelta: 0,
    })
  })
})
