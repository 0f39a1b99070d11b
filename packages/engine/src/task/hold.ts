import { type Deferred, defer } from '../wait.ts'

/** Whether an operator keeps an instance from taking records, and who waits for the end of it. */
export class Hold {
  #held: Deferred<void> | undefined
  #began = new AbortController()

  get active(): boolean {
    return this.#held !== undefined
  }

  /** Aborts when a hold begins. Another one behind each hold. */
  get began(): AbortSignal {
    return this.#began.signal
  }

  /** Begins a hold, or ends it. Nothing happens when it is so already. */
  set(held: boolean): void {
    if (held === this.active) return
    if (held) {
      this.#held = defer<void>()
      this.#began.abort()
      return
    }
    this.#held?.resolve()
    this.#held = undefined
    this.#began = new AbortController()
  }

  /** Resolves when there is no hold. */
  async over(): Promise<void> {
    while (this.#held !== undefined) await this.#held.promise
  }
}
