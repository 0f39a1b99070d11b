import { wireError } from './wire-error.ts'

const TWO_32 = 0x1_0000_0000

/** Reads a part of a buffer. A read beyond its end throws `PIO_PULSAR_PROTOCOL`. */
export class ByteReader {
  readonly buffer: Buffer
  position: number
  end: number
  /** Of the varint that {@link readVarint} read: bits 0 to 31, and 32 to 63. */
  private low = 0
  private high = 0

  constructor(buffer: Buffer, position = 0, end = buffer.length) {
    this.buffer = buffer
    this.position = position
    this.end = end
  }

  uint32be(): number {
    const { buffer, position } = this
    if (position + 4 > this.end) throw truncated()
    this.position = position + 4
    return readUint32be(buffer, position)
  }

  /** An unsigned integer; what is beyond 2^53 loses precision. */
  varint(): number {
    const { buffer, position, end } = this
    const first = position < end ? (buffer[position] as number) : 128
    if (first < 128) {
      this.position = position + 1
      return first
    }
    this.readVarint()
    return this.high * TWO_32 + this.low
  }

  /** A signed 32-bit integer. */
  int32(): number {
    this.readVarint()
    return this.low | 0
  }

  /** A signed 64-bit integer; what is beyond 2^53 loses precision. */
  signed(): number {
    this.readVarint()
    return (this.high | 0) * TWO_32 + this.low
  }

  int64(): bigint {
    this.readVarint()
    const { high, low } = this
    if (high === 0) return BigInt(low)
    return (BigInt(high | 0) << 32n) | BigInt(low)
  }

  uint64(): bigint {
    return BigInt.asUintN(64, this.int64())
  }

  /** A view of bytes that have their length in front. */
  bytes(): Buffer {
    const end = this.block()
    const start = this.position
    this.position = end
    return this.buffer.subarray(start, end)
  }

  text(): string {
    const end = this.block()
    const start = this.position
    this.position = end
    return this.buffer.toString('utf8', start, end)
  }

  /** Reads a length; returns where the block ends that begins now. */
  block(): number {
    const end = this.varint() + this.position
    if (end > this.end) throw truncated()
    return end
  }

  /** Passes over the value of a field that nobody asked for. */
  skip(wireType: number): void {
    if (wireType === 0) this.readVarint()
    else if (wireType === 2) this.position = this.block()
    else if (wireType === 1) this.position += 8
    else if (wireType === 5) this.position += 4
    else throw wireError(`unknown protobuf wire type ${wireType}`)
    if (this.position > this.end) throw truncated()
  }

  private readVarint(): void {
    const { buffer, end } = this
    let { position } = this
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (position >= end) throw truncated()
      const byte = buffer[position++] as number
      if (shift < 28) low |= (byte & 127) << shift
      else if (shift === 28) {
        low |= (byte & 127) << 28
        high = (byte & 127) >>> 4
      } else high |= (byte & 127) << (shift - 32)
      if (byte < 128) {
        this.low = low >>> 0
        this.high = high >>> 0
        this.position = position
        return
      }
    }
    throw wireError('a varint is longer than 10 bytes')
  }
}

/** Reads 4 bytes, the most significant first. */
export function readUint32be(buffer: Uint8Array, at: number): number {
  return (
    ((buffer[at] as number) * 0x100_0000 +
      (((buffer[at + 1] as number) << 16) | ((buffer[at + 2] as number) << 8) | (buffer[at + 3] as number))) >>>
    0
  )
}

function truncated(): Error {
  return wireError('a frame ends in the middle of a field')
}
