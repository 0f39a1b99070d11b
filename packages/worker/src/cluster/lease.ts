import type { Clock } from './clock.ts'

/**
 * The right to run what was assigned, for a while after each heartbeat. Everybody else waits longer than it lasts before
 * they give anything away, so it counts from before the heartbeat was sent. Once lost it stays lost: whoever comes back
 * does so under a new identity, which has nothing yet.
 */
export class Lease {
  readonly #clock: Clock
  readonly #lengthMs: number
  readonly #reserveMs: number
  #until: number
  #lost = false

  /** `reserveMs` before its end the lease counts as lost, which is the time to stop everything in. */
  constructor(clock: Clock, lengthMs: number, reserveMs: number, from: number) {
    this.#clock = clock
    this.#lengthMs = lengthMs
    this.#reserveMs = reserveMs
    this.#until = from + lengthMs
  }

  /** Whether anything may run under it; false for good from the first false on. */
  held(): boolean {
    if (!this.#lost && this.msUntilLost() <= 0) this.#lost = true
    return !this.#lost
  }

  /** Goes on from the moment before a heartbeat that has arrived. False when it is too late. */
  renew(from: number): boolean {
    if (!this.held()) return false
    this.#until = Math.max(this.#until, from + this.#lengthMs)
    return true
  }

  /** Milliseconds until it counts as lost, unless it is renewed. */
  msUntilLost(): number {
    return this.#until - this.#reserveMs - this.#clock()
  }

  /** Milliseconds until others may have what ran under it. */
  msUntilEnd(): number {
    return Math.max(0, this.#until - this.#clock())
  }

  /** Others say that it is over. */
  revoke(): void {
    this.#lost = true
    this.#until = Math.min(this.#until, this.#clock())
  }
}
