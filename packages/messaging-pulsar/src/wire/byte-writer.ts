const SHORT_TEXT = 48
const TWO_32 = 0x1_0000_0000

/** Appends to a buffer that grows. `position` and `buffer` are open, since batches are patched in place. */
export class ByteWriter {
  buffer: Buffer
  position = 0

  constructor(room: number | Buffer = 256) {
    this.buffer = typeof room === 'number' ? Buffer.allocUnsafe(room) : room
  }

  /** What was written; shares memory with the writer. */
  written(from = 0): Buffer {
    return this.buffer.subarray(from, this.position)
  }

  /** Makes room for so many bytes behind the position. */
  ensure(bytes: number): void {
    const needed = this.position + bytes
    if (needed <= this.buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2))
    this.buffer.copy(larger, 0, 0, this.position)
    this.buffer = larger
  }

  uint32be(value: number): void {
    this.ensure(4)
    putUint32be(this.buffer, this.position, value)
    this.position += 4
  }

  /** An unsigned integer up to 2^53 - 1. */
  varint(value: number): void {
    this.ensure(10)
    const { buffer } = this
    let { position } = this
    let rest = value
    // Bit operations work on 32 bits: divide what is larger.
    while (rest >= TWO_32) {
      buffer[position++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    rest >>>= 0
    while (rest > 127) {
      buffer[position++] = (rest & 127) | 0x80
      rest >>>= 7
    }
    buffer[position++] = rest
    this.position = position
  }

  /** A 64-bit integer, signed or unsigned. */
  varint64(value: bigint): void {
    if (value >= 0n && value <= 0x1f_ffff_ffff_ffffn) {
      this.varint(Number(value))
      return
    }
    this.ensure(10)
    let rest = BigInt.asUintN(64, value)
    while (rest > 127n) {
      this.buffer[this.position++] = Number(rest & 127n) | 0x80
      rest >>= 7n
    }
    this.buffer[this.position++] = Number(rest)
  }

  bytes(value: Uint8Array): void {
    this.ensure(value.length)
    this.buffer.set(value, this.position)
    this.position += value.length
  }

  /** A text with its length in front, as protobuf writes it. */
  text(value: string): void {
    const { length } = value
    if (length < SHORT_TEXT) {
      // Most keys and property names are short ASCII: cheaper than a call into native code.
      this.ensure(length + 1)
      const start = this.position
      const { buffer } = this
      buffer[start] = length
      let i = 0
      for (; i < length; i += 1) {
        const code = value.charCodeAt(i)
        if (code > 127) break
        buffer[start + 1 + i] = code
      }
      if (i === length) {
        this.position = start + 1 + length
        return
      }
    }
    const size = Buffer.byteLength(value)
    this.varint(size)
    this.ensure(size)
    this.position += this.buffer.write(value, this.position)
  }
}

/** Writes 4 bytes, the most significant first. */
export function putUint32be(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 24
  buffer[at + 1] = value >>> 16
  buffer[at + 2] = value >>> 8
  buffer[at + 3] = value
}

/** Bytes that {@link ByteWriter.varint} writes for a value. */
export function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size += 1
  return size
}
