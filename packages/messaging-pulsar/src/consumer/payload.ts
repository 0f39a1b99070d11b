import { COMPRESSION_TYPES, decompress } from '../wire/compression.ts'
import type { EntryMetadata } from '../wire/metadata.ts'

/** The messages of an entry, as a part of what came. */
export interface Payload {
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
}

/** The payload as it was before it was compressed. @throws for a compression that is not known, and for damaged bytes. */
export function uncompressed(metadata: EntryMetadata, payload: Payload): Payload {
  if (metadata.compression === 0) return payload
  const type = COMPRESSION_TYPES[metadata.compression]
  if (type === undefined) throw new Error(`unknown compression ${metadata.compression}`)
  const bytes = decompress(type, payload.buffer.subarray(payload.start, payload.end), metadata.uncompressedSize)
  return { buffer: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), start: 0, end: bytes.length }
}
