/** Compresses into, and decompresses from, one LZ4 block without a frame around it. */
export interface Lz4Block {
  compress(bytes: Uint8Array): Uint8Array
  /** @throws RangeError when the block does not become exactly `size` bytes. */
  decompress(block: Uint8Array, size: number): Uint8Array
}

// Numbers of the format (LZ4 block format description, "End of block conditions").
const MIN_MATCH = 4
/** The last match starts at least this many bytes before the end. */
const MATCH_LIMIT = 12
/** The last bytes are always literals. */
const LAST_LITERALS = 5
const MAX_OFFSET = 0xffff

const HASH_BITS = 14

/** LZ4 without native code, for platforms that the prebuilt binaries leave out. */
export const portableLz4: Lz4Block = { compress, decompress }

function compress(bytes: Uint8Array): Uint8Array {
  const { length } = bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  const out = Buffer.allocUnsafe(length + Math.ceil(length / 255) + 16)
  // Where four bytes of that hash stood last, plus one.
  const seen = new Int32Array(1 << HASH_BITS)
  let to = 0
  let anchor = 0
  let at = 0
  let misses = 0
  while (at < length - MATCH_LIMIT) {
    const word = view.getInt32(at, true)
    const hash = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS)
    const candidate = (seen[hash] ?? 0) - 1
    seen[hash] = at + 1
    if (candidate < 0 || at - candidate > MAX_OFFSET || view.getInt32(candidate, true) !== word) {
      // The longer nothing is found, the larger the steps: what cannot be compressed passes quickly.
      at += 1 + (misses++ >> 6)
      continue
    }
    misses = 0
    let end = at + MIN_MATCH
    let from = candidate + MIN_MATCH
    while (end < length - LAST_LITERALS && bytes[end] === bytes[from]) {
      end += 1
      from += 1
    }
    to = writeSequence(out, to, bytes, anchor, at, end - at, at - candidate)
    at = end
    anchor = end
  }
  return out.subarray(0, writeSequence(out, to, bytes, anchor, length, 0, 0))
}

/** Literals from `anchor` to `at`, then a match of `matchLength` bytes (0: none) `offset` bytes back. */
function writeSequence(
  out: Buffer,
  start: number,
  bytes: Uint8Array,
  anchor: number,
  at: number,
  matchLength: number,
  offset: number,
): number {
  const literals = at - anchor
  const extra = matchLength === 0 ? 0 : matchLength - MIN_MATCH
  let to = start
  out[to++] = (Math.min(literals, 15) << 4) | Math.min(extra, 15)
  if (literals >= 15) to = writeLength(out, to, literals - 15)
  to = copy(bytes, anchor, literals, out, to)
  if (matchLength === 0) return to
  to = out.writeUInt16LE(offset, to)
  return extra >= 15 ? writeLength(out, to, extra - 15) : to
}

function writeLength(out: Buffer, start: number, length: number): number {
  let to = start
  let left = length
  for (; left >= 255; left -= 255) out[to++] = 255
  out[to++] = left
  return to
}

function decompress(block: Uint8Array, size: number): Uint8Array {
  const out = Buffer.allocUnsafe(size)
  const { length } = block
  let at = 0
  let to = 0
  const next = (): number => {
    const byte = block[at++]
    if (byte === undefined) throw new RangeError('an LZ4 block ends in the middle of a sequence')
    return byte
  }
  const readLength = (nibble: number): number => {
    let total = nibble
    if (nibble < 15) return total
    for (;;) {
      const byte = next()
      total += byte
      if (byte !== 255) return total
    }
  }
  for (;;) {
    const token = next()
    const literals = readLength(token >> 4)
    if (literals > length - at || literals > size - to) throw new RangeError('an LZ4 block holds too many literals')
    to = copy(block, at, literals, out, to)
    at += literals
    if (at === length) break
    const offset = next() | (next() << 8)
    const matched = readLength(token & 15) + MIN_MATCH
    if (offset === 0 || offset > to) throw new RangeError('an LZ4 block refers to bytes before its beginning')
    if (matched > size - to) throw new RangeError(`an LZ4 block becomes larger than ${size} bytes`)
    to = copyMatch(out, to, offset, matched)
  }
  if (to !== size) throw new RangeError(`an LZ4 block becomes ${to} bytes, not ${size}`)
  return out
}

/** Bytes up to which a loop is quicker than a call. */
const SHORT = 48

function copy(from: Uint8Array, at: number, count: number, out: Buffer, to: number): number {
  if (count > SHORT) out.set(from.subarray(at, at + count), to)
  else for (let i = 0; i < count; i++) out[to + i] = from[at + i] ?? 0
  return to + count
}

function copyMatch(out: Buffer, to: number, offset: number, matched: number): number {
  if (offset >= matched && matched > SHORT) {
    out.copyWithin(to, to - offset, to - offset + matched)
  } else {
    // Byte by byte where they overlap: the format repeats what was just written.
    for (let i = 0; i < matched; i++) out[to + i] = out[to + i - offset] ?? 0
  }
  return to + matched
}
