import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32c, portableCrc32c } from '../../src/wire/crc32c.ts'

/** RFC 3720, appendix B.4; the last is the check value of the CRC catalogues. */
const KNOWN = [
  ['32 zero bytes', new Uint8Array(32), 0x8a9136aa],
  ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['32 bytes going up', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['32 bytes going down', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ['digits', Buffer.from('123456789'), 0xe3069283],
  ['nothing', new Uint8Array(), 0],
] as const

describe.each([
  ['as loaded', crc32c],
  ['without native code', portableCrc32c()],
] as const)('crc32c %s', (_, checksum) => {
  it.each(KNOWN)('of %s', (_name, bytes, expected) => {
    expect(checksum(bytes)).toBe(expected)
  })

  it('goes on from the bytes before', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, at) => {
        expect(checksum(bytes.subarray(at), checksum(bytes.subarray(0, at)))).toBe(checksum(bytes))
      }),
    )
  })
})

describe('the two ways', () => {
  it('agree, also on a part of a larger buffer', () => {
    const portable = portableCrc32c()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(9), (bytes, from) => {
        expect(crc32c(bytes.subarray(from))).toBe(portable(bytes.subarray(from)))
      }),
    )
  })
})
