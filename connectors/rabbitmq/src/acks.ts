import type { Consumption } from './port.ts'

const WAITING = 0
/** Settled here, and the server has not been told. */
const DONE = 1
const TOLD = 2

/**
 * Acknowledges in as few frames as possible. The server counts the deliveries of a channel from 1, so what is settled is
 * kept in a window over the tags: everything up to the first that waits goes with one frame, what lies behind it singly,
 * so that one slow message never holds up the prefetch of the others.
 */
export class Acks {
  readonly #consumption: () => Consumption | undefined
  #window: number[] = []
  /** The tag of the first place of the window. */
  #low = 1
  #scheduled = false
  #unsettled = 0

  constructor(consumption: () => Consumption | undefined) {
    this.#consumption = consumption
  }

  /** Deliveries that are not settled. */
  get unsettled(): number {
    return this.#unsettled
  }

  delivered(tag: number): void {
    this.#window[tag - this.#low] = WAITING
    this.#unsettled++
  }

  /** To be acknowledged; the server is told in the same turn of the event loop, together with its neighbours. */
  ack(tag: number): void {
    if (!this.#settle(tag, DONE) || this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.flush())
  }

  /** Gives a message back at once. */
  requeue(tag: number): void {
    if (this.#settle(tag, TOLD)) this.#consumption()?.requeue(tag)
  }

  /** Tells the server what it does not know. */
  flush(): void {
    this.#scheduled = false
    const consumption = this.#consumption()
    let ahead = 0
    let last = -1
    for (; ahead < this.#window.length && this.#window[ahead] !== WAITING; ahead++)
      if (this.#window[ahead] === DONE) last = ahead
    // The tag of a `multiple` has to be one that is not settled yet; those before it may be.
    if (last >= 0) consumption?.ack(this.#low + last, true)
    for (let i = ahead; i < this.#window.length; i++) {
      if (this.#window[i] !== DONE) continue
      this.#window[i] = TOLD
      consumption?.ack(this.#low + i, false)
    }
    if (ahead === 0) return
    this.#window = this.#window.slice(ahead)
    this.#low += ahead
  }

  /** False for a tag that is settled already. */
  #settle(tag: number, state: number): boolean {
    const place = tag - this.#low
    if (this.#window[place] !== WAITING) return false
    this.#window[place] = state
    this.#unsettled--
    return true
  }
}
