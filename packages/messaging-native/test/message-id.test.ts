import { describe, expect, it } from 'vitest'
import { formatMessageId, parseMessageId } from '../src/message-id.ts'

const hex = (text: string) => Buffer.from(text, 'hex')
const id = (ledgerId: bigint, entryId: bigint, batchIndex = -1, partition = -1) => ({
  position: { ledgerId, entryId, batchIndex },
  partition,
})

/** Bytes as `pulsar-client` 1.18 gave them. */
const KNOWN = [
  ['080510072003', id(5n, 7n, 3)],
  ['08ffffffffffffffffff0110ffffffffffffffffff01', id(-1n, -1n)],
] as const

describe('message ids', () => {
  it.each(KNOWN)('reads and writes %s', (bytes, parts) => {
    expect(parseMessageId(hex(bytes))).toEqual(parts)
    expect(formatMessageId(parts).toString('hex')).toBe(bytes)
  })

  it.each([
    id(0n, 0n),
    id(1n, 127n, 0, 0),
    id(128n, 16_384n, 999, 12),
    id(9_223_372_036_854_775_807n, 9_223_372_036_854_775_806n),
    // Beyond what a number can hold.
    id(9_007_199_254_740_993n, 9_007_199_254_740_995n, 2_147_483_647),
  ])('keeps every digit of $position.ledgerId:$position.entryId', parts => {
    expect(parseMessageId(formatMessageId(parts))).toEqual(parts)
  })

  it('reads that of a message in chunks, which names the first as well', () => {
    // As `pulsar-client` 1.18 gave it.
    expect(parseMessageId(hex('08820110e15d18023a0808820110e05d1802'))).toEqual(id(130n, 12_001n, -1, 2))
  })

  it('reads negative defaults that are written out, and passes over what it does not know', () => {
    // partition -1, batch_index 2, ack_set, batch_size 5, first_chunk_message_id, a fixed32 and a fixed64 field.
    const partition = '18ffffffffffffffffff01'
    const bytes = `0801100a${partition}20022801300538023a0408011001${'45'}00000000${'49'}0000000000000000`
    expect(parseMessageId(hex(bytes))).toEqual(id(1n, 10n, 2))
  })

  it.each(['', '08', '0801', '08011080', '0801100a3a7f', '0801100a07', `08${'ff'.repeat(11)}`])('refuses %j', bytes => {
    expect(() => parseMessageId(hex(bytes))).toThrow(RangeError)
  })
})
