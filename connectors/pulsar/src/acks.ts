import type { Message } from '@pulsar-io/messaging'

/** Acknowledges what is published in as few commands as the event loop allows. */
export class Acks {
  readonly #acknowledge: (messages: readonly Message[]) => Promise<void>
  readonly #failed: (error: unknown) => void
  readonly #underWay = new Set<Promise<void>>()
  #waiting: Message[] = []
  #scheduled: NodeJS.Immediate | undefined

  /** `failed` hears of acknowledgements that got lost: their messages come again. */
  constructor(acknowledge: (messages: readonly Message[]) => Promise<void>, failed: (error: unknown) => void) {
    this.#acknowledge = acknowledge
    this.#failed = failed
  }

  add(message: Message): void {
    this.#waiting.push(message)
    this.#scheduled ??= setImmediate(() => this.#flush())
  }

  /** Resolves when everything is acknowledged or failed to be, and within so many milliseconds. */
  async settled(withinMs: number): Promise<void> {
    this.#flush()
    let timer: NodeJS.Timeout | undefined
    // A broker that is away takes nothing; what it does not know comes again.
    const patience = new Promise<void>(resolve => {
      timer = setTimeout(resolve, withinMs)
    })
    await Promise.race([Promise.all(this.#underWay), patience])
    clearTimeout(timer)
  }

  #flush(): void {
    clearImmediate(this.#scheduled)
    this.#scheduled = undefined
    if (this.#waiting.length === 0) return
    const messages = this.#waiting
    this.#waiting = []
    const acknowledging: Promise<void> = this.#acknowledge(messages)
      .catch(this.#failed)
      .finally(() => this.#underWay.delete(acknowledging))
    this.#underWay.add(acknowledging)
  }
}
