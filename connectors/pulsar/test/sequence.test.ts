import { comparePositions } from '@pulsar-io/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sequenceInLedger, sequenceInPartition } from '../src/sequence.ts'

const position = (ledgers: bigint, entries: bigint, batch: number) =>
  fc.record({
    ledgerId: fc.bigInt(0n, ledgers),
    entryId: fc.bigInt(0n, entries),
    batchIndex: fc.integer({ min: -1, max: batch }),
  })

describe('numbers of messages', () => {
  it('grow within a ledger as positions do, up to 63 bits', () => {
    const any = position(0n, (1n << 43n) - 1n, (1 << 20) - 2)
    fc.assert(
      fc.property(any, any, (a, b) => {
        const [one, two] = [sequenceInLedger(a), sequenceInLedger(b)]
        expect(Math.sign(Number(one - two))).toBe(Math.sign(comparePositions(a, b)))
        expect(one >= 0n && one < 1n << 63n).toBe(true)
      }),
    )
  })

  it('grow over ledgers', () => {
    const any = position((1n << 29n) - 1n, (1n << 22n) - 1n, 4094)
    fc.assert(
      fc.property(any, any, (a, b) => {
        const [one, two] = [sequenceInPartition('t', a), sequenceInPartition('t', b)]
        expect(Math.sign(Number(one - two))).toBe(Math.sign(comparePositions(a, b)))
        expect(one >= 0n && one < 1n << 63n).toBe(true)
      }),
    )
  })

  it.each([
    { ledgerId: 1n << 29n, entryId: 0n, batchIndex: -1 },
    { ledgerId: 0n, entryId: 1n << 22n, batchIndex: -1 },
    { ledgerId: 0n, entryId: 0n, batchIndex: 4095 },
    { ledgerId: -1n, entryId: 0n, batchIndex: -1 },
  ])('are refused where they do not fit', at => {
    expect(() => sequenceInPartition('persistent://a/b/c', at)).toThrow(
      expect.objectContaining({ code: 'PIO_PULSAR_SEQUENCE', retry: 'stop' }),
    )
  })
})
