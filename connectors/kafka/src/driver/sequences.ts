/** What the driver asks for the sequence number of a batch. */
export class SequenceView {
  readonly #numbers: ReadonlyMap<string, number>

  constructor(numbers: ReadonlyMap<string, number>) {
    this.#numbers = numbers
  }

  getWithDefault(key: string, fallback: number): number {
    return this.#numbers.get(key) ?? fallback
  }
}
