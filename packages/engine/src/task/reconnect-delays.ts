import { Backoff, BLOCKED_BACKOFF, RETRY_BACKOFF } from '../backoff.ts'

/** A connection that held this long was a good one, whether or not there was anything to move. */
const GOOD_AFTER_MS = 2 * BLOCKED_BACKOFF.maxDelayMs

/**
 * Waits before a connector is opened anew. They go on growing when it opens and then fails again, as with a full disk:
 * only a record that got through, or a connection that held, lets them begin anew.
 */
export class ReconnectDelays {
  readonly #reconnect = new Backoff(RETRY_BACKOFF)
  readonly #blocked = new Backoff(BLOCKED_BACKOFF)
  #last = 0

  /** Milliseconds to wait now. */
  next(meaning: 'reconnect' | 'block'): number {
    const now = performance.now()
    if (now - this.#last > GOOD_AFTER_MS) this.gotThrough()
    this.#last = now
    return (meaning === 'block' ? this.#blocked : this.#reconnect).next()
  }

  /** A record was moved. */
  gotThrough(): void {
    this.#reconnect.reset()
    this.#blocked.reset()
  }
}
