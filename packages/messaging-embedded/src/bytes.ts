/** Writes small binary records; grows as needed. */
export class ByteWriter {
  private buffer = Buffer.allocUnsafeSlow(128)
  private at = 0

  /** A whole number of 0 … 2^53-1 in 1 to 8 bytes. */
  varint(value: number): void {
    this.reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.buffer[this.at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.buffer[this.at++] = rest
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value)
    this.varint(bytes)
    this.reserve(bytes)
    this.at += this.buffer.write(value, this.at)
  }

  finish(): Buffer {
    return this.buffer.subarray(0, this.at)
  }

  private reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.at + bytes))
    this.buffer.copy(larger, 0, 0, this.at)
    this.buffer = larger
  }
}

/** Reads what {@link ByteWriter} wrote. */
export class ByteReader {
  private readonly buffer: Buffer
  private at = 0

  constructor(buffer: Buffer) {
    this.buffer = buffer
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.buffer[this.at++]
      if (byte === undefined) throw new RangeError('record ends too early')
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
  }

  text(): string {
    const bytes = this.varint()
    const value = this.buffer.toString('utf8', this.at, this.at + bytes)
    this.at += bytes
    return value
  }
}
