import type { CompressionType } from '@pulsar-io/messaging'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { COMPRESSION_TYPES, compress, decompress } from '../../src/wire/compression.ts'
import { portableLz4 } from '../../src/wire/lz4-block.ts'

const TEXT = Buffer.from([1, 2, 3].map(id => `{"id":${id},"name":"pulsar"}\n`).join(''))

/** The text as Pulsar's Java client 4.0.8 compresses it. */
const BY_JAVA: Readonly<Record<CompressionType, string>> = {
  NONE: TEXT.toString('hex'),
  LZ4: 'f20a7b226964223a312c226e616d65223a2270756c736172227d0a19001f3219000519331900506172227d0a',
  // Without the checksum that a stream of zlib ends with.
  ZLIB: '789caa56ca4c51b232d451ca4bcc4d55b2522a28cd294e2c52aae5aa064b18e19230c69400000000ffff',
  ZSTD: '28b52ffd244b2d0100d87b226964223a312c226e616d65223a2270756c736172227d0a32330300c013006e8ccd31ed4c8cac',
  SNAPPY: '4b607b226964223a312c226e616d65223a2270756c736172227d0a091900325e19000033461900',
}

const COMPRESSED = COMPRESSION_TYPES.filter(type => type !== 'NONE')

/** Runs, repetitions and noise, since each takes another way through a compressor. */
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }),
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(200)).map(([unit, times]) => {
    return Uint8Array.from({ length: unit.length * times }, (_, i) => unit[i % unit.length] ?? 0)
  }),
  fc.array(fc.constantFrom(0, 1, 2), { maxLength: 1000 }).map(bytes => Uint8Array.from(bytes)),
)

describe.each(COMPRESSION_TYPES)('%s', type => {
  it('reads what Java wrote', () => {
    expect(Buffer.from(decompress(type, Buffer.from(BY_JAVA[type], 'hex'), TEXT.length))).toEqual(TEXT)
  })

  it('gives back what it was given', () => {
    fc.assert(
      fc.property(payload, bytes => {
        const back = decompress(type, compress(type, bytes), bytes.length)
        expect(Buffer.compare(back, bytes)).toBe(0)
      }),
    )
  })

  it('refuses another size than the one that was announced', () => {
    const compressed = compress(type, TEXT)
    for (const size of [0, TEXT.length - 1, TEXT.length + 1, 2 ** 32 - 1]) {
      expect(() => decompress(type, compressed, size)).toThrow(
        expect.objectContaining({ code: 'PIO_PULSAR_DECOMPRESSION', retry: 'reject' }),
      )
    }
  })
})

describe.each(COMPRESSED)('%s', type => {
  it('never gives more or less than the announced size, whatever comes', () => {
    const original = Buffer.from(compress(type, TEXT))
    fc.assert(
      fc.property(fc.nat(original.length - 1), fc.nat(255), fc.nat(original.length), (at, byte, end) => {
        const bytes = Buffer.from(original.subarray(0, end))
        if (at < bytes.length) bytes[at] = byte
        let back: Uint8Array | undefined
        try {
          back = decompress(type, bytes, TEXT.length)
        } catch (error) {
          expect(error).toMatchObject({ code: 'PIO_PULSAR_DECOMPRESSION' })
        }
        if (back) expect(back).toHaveLength(TEXT.length)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('LZ4 without native code', () => {
  it('reads what the native code wrote, and the reverse', () => {
    fc.assert(
      fc.property(payload, bytes => {
        expect(Buffer.compare(portableLz4.decompress(compress('LZ4', bytes), bytes.length), bytes)).toBe(0)
        expect(Buffer.compare(decompress('LZ4', portableLz4.compress(bytes), bytes.length), bytes)).toBe(0)
      }),
    )
  })

  it('makes repetitions small', () => {
    expect(portableLz4.compress(Buffer.alloc(100_000, 'abc')).length).toBeLessThan(500)
  })

  it('says what is wrong with a block', () => {
    const refusal = (hex: string, size: number) => () => portableLz4.decompress(Buffer.from(hex, 'hex'), size)
    expect(refusal('', 1)).toThrow('ends in the middle')
    expect(refusal('f0', 20)).toThrow('ends in the middle')
    expect(refusal('50616161', 5)).toThrow('too many literals')
    expect(refusal('106105000061', 6)).toThrow('before its beginning')
    expect(refusal('106100000061', 6)).toThrow('before its beginning')
    expect(refusal('1f610100ff00', 20)).toThrow('larger than 20')
    expect(refusal('1061', 2)).toThrow('becomes 1 bytes, not 2')
  })

  it('ends or throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(200), (block, size) => {
        let back: Uint8Array | undefined
        try {
          back = portableLz4.decompress(block, size)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
        if (back) expect(back).toHaveLength(size)
      }),
      { numRuns: 5000 },
    )
  })
})
