/**
 * Bytes that pile up in small pieces. They are copied into one buffer that doubles, because a list of the pieces would
 * take many times their size when a client sends byte by byte.
 */
export class GrowingBuffer {
  #bytes = Buffer.alloc(0)
  #length = 0

  get length(): number {
    return this.#length
  }

  append(part: Buffer): void {
    const needed = this.#length + part.length
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length, 256))
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    part.copy(this.#bytes, this.#length)
    this.#length = needed
  }

  /** What is in, without taking it out. Valid until the next call. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Hands everything over and is empty afterwards. */
  take(): Buffer {
    const taken = this.view()
    this.#bytes = Buffer.alloc(0)
    this.#length = 0
    return taken
  }
}
