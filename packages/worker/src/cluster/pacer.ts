/** Does something over and over, one after another, until it is closed. */
export class Pacer {
  readonly #work: () => Promise<void>
  readonly #everyMs: number
  readonly #closed = new AbortController()
  #wake: (() => void) | undefined
  #again = false
  #running: Promise<void> = Promise.resolve()

  /** `work` does not reject. */
  constructor(everyMs: number, work: () => Promise<void>) {
    this.#everyMs = everyMs
    this.#work = work
  }

  start(): void {
    this.#running = this.#run()
  }

  /** The next time is now, or right behind the time that goes on. */
  hurry(): void {
    this.#again = true
    this.#wake?.()
  }

  /** Resolves when the work has ended. */
  async close(): Promise<void> {
    this.#closed.abort()
    this.#wake?.()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      this.#again = false
      await this.#work()
      if (!this.#again && !this.#closed.signal.aborted) await this.#pause()
    }
  }

  #pause(): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(() => this.#wake?.(), this.#everyMs)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
    })
  }
}
