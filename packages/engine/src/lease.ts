import { sleep } from './wait.ts'

/** Milliseconds between looks whether a lease that is over goes on. */
const LOOK_EVERY_MS = 20
const NS_PER_MS = 1_000_000
const FOREVER = 2n ** 63n - 1n

/**
 * Until when instances may write, where somebody else gets them afterwards. Threads see it in shared memory, processes
 * are told; it is a time on the monotonic clock that all processes of a machine share, so that a process which stood
 * still knows at once that it is late.
 */
export class InstanceLease {
  /** Nanoseconds. */
  readonly memory = new SharedArrayBuffer(8)
  readonly #until = new BigInt64Array(this.memory)
  readonly #listeners = new Set<(until: bigint) => void>()

  /** Without an end, until it is renewed for the first time. */
  constructor() {
    Atomics.store(this.#until, 0, FOREVER)
  }

  get until(): bigint {
    return Atomics.load(this.#until, 0)
  }

  /** It lasts so many milliseconds from now. */
  renew(forMs: number): void {
    const until = process.hrtime.bigint() + BigInt(Math.floor(forMs * NS_PER_MS))
    Atomics.store(this.#until, 0, until)
    for (const listener of this.#listeners) listener(until)
  }

  /** Called with each renewal. Returns how to stop listening. */
  onRenew(listener: (until: bigint) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

/** What an instance starts with: the shared memory, or in another process its value. */
export type LeaseStart = SharedArrayBuffer | bigint

/** The lease as an instance sees it. */
export class LeaseView {
  readonly #until: BigInt64Array

  constructor(start: LeaseStart) {
    this.#until = new BigInt64Array(typeof start === 'bigint' ? new SharedArrayBuffer(8) : start)
    if (typeof start === 'bigint') this.update(start)
  }

  update(until: bigint): void {
    Atomics.store(this.#until, 0, until)
  }

  /** Whether somebody else may have the instance by now. */
  over(): boolean {
    return process.hrtime.bigint() >= Atomics.load(this.#until, 0)
  }

  /** Resolves when it goes on, or the signal aborts. */
  async renewed(signal: AbortSignal): Promise<void> {
    while (this.over() && !signal.aborted) await sleep(LOOK_EVERY_MS, signal)
  }
}
