/** Whoever reads from a client. */
export interface Reader {
  /** There is room again. */
  read(): void
}

/**
 * Lets clients be read while what waits for the topic is below a bound, of all of them together. Where it is not, readers
 * queue and go on in their order. A piece that was read is never refused, so the bound is passed by one piece at most.
 */
export class Intake {
  readonly #max: number
  readonly #waiting = new Set<Reader>()
  #used = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Bytes that wait for the topic. */
  get used(): number {
    return this.#used
  }

  /** Whether `reader` may read; if not, it is called when it may. */
  admits(reader: Reader): boolean {
    if (this.#used < this.#max) return true
    this.#waiting.add(reader)
    return false
  }

  /** `bytes` were read and wait for the topic. */
  take(bytes: number): void {
    this.#used += bytes
  }

  /** `bytes` wait no more. */
  give(bytes: number): void {
    this.#used -= bytes
    for (const reader of this.#waiting) {
      if (this.#used >= this.#max) return
      this.#waiting.delete(reader)
      reader.read()
    }
  }

  /** `reader` is gone. */
  leave(reader: Reader): void {
    this.#waiting.delete(reader)
  }
}
