/** Lets so many in at a time. */
export class Gate {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(places: number) {
    this.#free = places
  }

  /** Resolves with how to leave; leaving twice counts once. */
  async enter(): Promise<() => void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    let inside = true
    return () => {
      if (!inside) return
      inside = false
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }

  /** Lets everybody in. */
  open(): void {
    this.#free = Number.POSITIVE_INFINITY
    for (const next of this.#waiting.splice(0)) next()
  }
}
