/// <reference path="./snappyjs.d.ts" />
import { createRequire } from 'node:module'
import { constants, deflateSync, inflateSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { CompressionType } from '@pulsar-io/messaging'
import { RecordError } from '@pulsar-io/sdk/core'
import snappy from 'snappyjs'
import { type Lz4Block, portableLz4 } from './lz4-block.ts'

/** Pulsar's names of the ways to compress a payload. */
export const COMPRESSION_TYPES = ['NONE', 'LZ4', 'ZLIB', 'ZSTD', 'SNAPPY'] as const satisfies readonly CompressionType[]

/** How many times larger than its compressed form a payload can be at most; a header that promises more lies. */
const LARGEST_RATIO = { NONE: 1, LZ4: 256, ZLIB: 1040, ZSTD: Number.POSITIVE_INFINITY, SNAPPY: 64 } as const

/** Room for the first allocation of what is decompressed; more is taken as it comes. */
const FIRST_CHUNK = 1 << 20

/** Compresses a payload; NONE gives the same bytes back, not a copy. */
export function compress(type: CompressionType, bytes: Uint8Array): Uint8Array {
  switch (type) {
    case 'NONE':
      return bytes
    case 'LZ4':
      return lz4().compress(bytes)
    case 'ZLIB':
      return deflateSync(bytes)
    case 'ZSTD':
      return zstdCompressSync(bytes)
    case 'SNAPPY':
      return snappy.compress(bytes)
  }
}

/**
 * Decompresses a payload of which the message's metadata says that it has `uncompressedSize` bytes; NONE gives the same
 * bytes back. Takes no more memory than that, whatever the payload says.
 * @throws RecordError (`PIO_PULSAR_DECOMPRESSION`) when the payload is broken or has another size.
 */
export function decompress(type: CompressionType, bytes: Uint8Array, uncompressedSize: number): Uint8Array {
  if (uncompressedSize > LARGEST_RATIO[type] * bytes.length + 64) {
    throw broken(type, bytes, uncompressedSize, 'no payload of this size becomes that large')
  }
  let result: Uint8Array
  try {
    result = expand(type, bytes, uncompressedSize)
  } catch (error) {
    throw broken(type, bytes, uncompressedSize, error instanceof Error ? error.message : String(error), error)
  }
  if (result.length !== uncompressedSize)
    throw broken(type, bytes, uncompressedSize, `it became ${result.length} bytes`)
  return result
}

function expand(type: CompressionType, bytes: Uint8Array, size: number): Uint8Array {
  const bounds = { maxOutputLength: Math.max(1, size), chunkSize: Math.min(FIRST_CHUNK, Math.max(64, size + 1)) }
  switch (type) {
    case 'NONE':
      return bytes
    case 'LZ4':
      return lz4().decompress(bytes, size)
    case 'ZLIB':
      // Java ends its stream with a flush in place of the checksum; the size is checked by our caller.
      return inflateSync(bytes, { ...bounds, finishFlush: constants.Z_SYNC_FLUSH })
    case 'ZSTD':
      return zstdDecompressSync(bytes, bounds)
    case 'SNAPPY':
      return snappy.uncompress(bytes, size)
  }
}

function broken(type: CompressionType, bytes: Uint8Array, size: number, why: string, cause?: unknown): RecordError {
  return new RecordError(
    `a payload of ${bytes.length} bytes cannot be decompressed with ${type} to ${size} bytes: ${why}`,
    { code: 'PIO_PULSAR_DECOMPRESSION', cause },
  )
}

let lz4Block: Lz4Block | undefined

/** Loaded when it is first used: most topics are not compressed. */
function lz4(): Lz4Block {
  lz4Block ??= loadLz4()
  return lz4Block
}

interface Lz4Napi {
  compressSync(bytes: Buffer): Buffer
  uncompressSync(bytes: Buffer): Buffer
}

/** The native functions put the size before the block, four bytes, little endian; Pulsar does not. */
const SIZE_BYTES = 4

function loadLz4(): Lz4Block {
  let native: Lz4Napi
  try {
    native = createRequire(import.meta.url)('lz4-napi') as Lz4Napi
  } catch {
    // No binary for this platform, or installed without optional packages: slower, and the same format.
    return portableLz4
  }
  return {
    compress: bytes => native.compressSync(asBuffer(bytes)).subarray(SIZE_BYTES),
    decompress: (block, size) => {
      const sized = Buffer.allocUnsafe(SIZE_BYTES + block.length)
      sized.writeUInt32LE(size)
      sized.set(block, SIZE_BYTES)
      return native.uncompressSync(sized)
    },
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
