import { createRequire } from 'node:module'

/** Checksum of bytes, continued from that of the bytes before them; an unsigned number of 32 bits. */
export type Crc32c = (bytes: Uint8Array, previous?: number) => number

/** The Castagnoli polynomial, bits reversed (RFC 3720, appendix B.4). */
const POLYNOMIAL = 0x82f63b78

/** 8 tables of 256: in table k the checksum of each byte with k zero bytes behind it, so that 8 bytes take one step. */
function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    tables[byte] = crc
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256] ?? 0
    tables[at] = (before >>> 8) ^ (tables[before & 0xff] ?? 0)
  }
  return tables
}

/** CRC32C without native code, for platforms that the prebuilt binaries leave out. */
export function portableCrc32c(): Crc32c {
  const tables = makeTables()
  const look = (table: number, value: number): number => tables[table * 256 + (value & 0xff)] ?? 0
  return (bytes, previous = 0) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const { length } = bytes
    let crc = ~previous
    let at = 0
    for (; at + 8 <= length; at += 8) {
      const low = crc ^ view.getInt32(at, true)
      const high = view.getInt32(at + 4, true)
      const front = look(7, low) ^ look(6, low >>> 8) ^ look(5, low >>> 16) ^ look(4, low >>> 24)
      crc = front ^ look(3, high) ^ look(2, high >>> 8) ^ look(1, high >>> 16) ^ look(0, high >>> 24)
    }
    for (; at < length; at++) crc = look(0, crc ^ view.getUint8(at)) ^ (crc >>> 8)
    return ~crc >>> 0
  }
}

function loadCrc32c(): Crc32c {
  try {
    const native = createRequire(import.meta.url)('@node-rs/crc32') as { readonly crc32c: Crc32c }
    return native.crc32c
  } catch {
    // No binary for this platform, or installed without optional packages: slower, and the same numbers.
    return portableCrc32c()
  }
}

let implementation: Crc32c | undefined

/** CRC32C, by which Pulsar protects metadata and payload of a message; loads the native code when it is first used. */
export const crc32c: Crc32c = (bytes, previous = 0) => {
  implementation ??= loadCrc32c()
  return implementation(bytes, previous)
}
