import type { OutgoingMessage } from '@pulsar-io/messaging'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Entry, encodedSize, encodeEntry, stampEntry } from '../src/entry.ts'

const message: fc.Arbitrary<OutgoingMessage> = fc.record(
  {
    payload: fc.option(fc.uint8Array({ maxLength: 50 }), { nil: null }),
    key: fc.string({ unit: 'grapheme' }),
    orderingKey: fc.string(),
    properties: fc.dictionary(
      fc.string().filter(name => name !== '__proto__'),
      fc.string({ unit: 'grapheme' }),
    ),
    eventTime: fc.nat(2 ** 45),
  },
  { requiredKeys: ['payload'] },
)

describe('entries', () => {
  it('give back what was put into them', () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 20 }),
        fc.string(),
        fc.bigInt({ min: 0n, max: 2n ** 62n }),
        (messages, producer, sequence) => {
          const sequenced = messages.map((one, i) => ({ message: one, sequence: sequence + BigInt(i) }))
          const size = messages.reduce((sum, one) => sum + encodedSize(one), 0)
          const bytes = encodeEntry(sequenced, 0, messages.length, size, producer, 3)
          stampEntry(bytes, 1_700_000_000_000, 12)
          const entry = new Entry(100, bytes)
          expect(entry).toMatchObject({
            base: 100,
            count: messages.length,
            end: 100 + messages.length,
            single: messages.length === 1,
            schema: 3,
            producer,
            publishTime: 1_700_000_000_000,
            bytesBefore: 12,
          })
          messages.forEach((one, i) => {
            const payload = entry.payload(i)
            expect(payload === null ? null : [...payload]).toEqual(one.payload === null ? null : [...one.payload])
            expect(entry.key(i)).toBe(one.key)
            expect(entry.orderingKey(i)).toBe(one.orderingKey)
            expect(entry.properties(i)).toEqual({ ...one.properties })
            expect(entry.eventTime(i)).toBe(one.eventTime)
            expect(entry.sequence(i)).toBe(sequence + BigInt(i))
          })
        },
      ),
    )
  })
})
