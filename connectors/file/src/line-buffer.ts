const NEWLINE = 10
/** Bytes to begin with: most of a worker's sinks have little to write. */
const FIRST_BYTES = 4 * 1024

/** Gathers the lines of a batch in one buffer, which is used again for the next batch. */
export class LineBuffer {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #length = 0
  #ends: number[] = []

  clear(): void {
    this.#length = 0
    this.#ends = []
    // One huge batch does not keep its memory for ever.
    if (this.#bytes.length > 16 * 1024 * 1024) this.#bytes = Buffer.allocUnsafe(FIRST_BYTES)
  }

  /** Adds a line and its newline. */
  add(line: string | Uint8Array): void {
    // A UTF-16 unit takes three bytes at most.
    this.#reserve((typeof line === 'string' ? line.length * 3 : line.length) + 1)
    if (typeof line === 'string') this.#length += this.#bytes.write(line, this.#length, 'utf8')
    else {
      this.#bytes.set(line, this.#length)
      this.#length += line.length
    }
    this.#bytes[this.#length++] = NEWLINE
    this.#ends.push(this.#length)
  }

  /** Cuts what was gathered into pieces of whole lines; `room(i)` says how many bytes piece `i` may have. */
  pieces(room: (piece: number) => number): Uint8Array[] {
    const pieces: Uint8Array[] = []
    let from = 0
    let to = 0
    for (const end of this.#ends) {
      if (end - from > room(pieces.length) && (to > from || pieces.length === 0)) {
        pieces.push(this.#bytes.subarray(from, to))
        from = to
      }
      to = end
    }
    if (to > from) pieces.push(this.#bytes.subarray(from, to))
    return pieces
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + more))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}
