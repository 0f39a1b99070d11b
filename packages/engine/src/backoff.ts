/** How waits grow from try to try. */
export interface BackoffPolicy {
  /** Milliseconds before the second try. */
  readonly minDelayMs: number
  /** Milliseconds between tries at most. */
  readonly maxDelayMs: number
}

/** Tries of a record, and of a lost connection. */
export const RETRY_BACKOFF: BackoffPolicy = { minDelayMs: 100, maxDelayMs: 30_000 }

/** Tries while the other side refuses us: slow, because only an operator helps. */
export const BLOCKED_BACKOFF: BackoffPolicy = { minDelayMs: 2_000, maxDelayMs: 60_000 }

/** Doubles from try to try. Each delay is drawn between its half and its whole, so that many instances do not return at once. */
export class Backoff {
  readonly #policy: BackoffPolicy
  #tries = 0

  constructor(policy: BackoffPolicy) {
    this.#policy = policy
  }

  /** Milliseconds to wait now. */
  next(): number {
    const ceiling = Math.min(this.#policy.maxDelayMs, this.#policy.minDelayMs * 2 ** Math.min(this.#tries, 30))
    this.#tries++
    return Math.round(ceiling * (0.5 + Math.random() / 2))
  }

  reset(): void {
    this.#tries = 0
  }
}
