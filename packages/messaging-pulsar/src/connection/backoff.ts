import { setTimeout as sleep } from 'node:timers/promises'

const FIRST_MS = 100
const MAX_MS = 30_000

/** Waiting times that double, each shortened by up to a third so that many clients do not come back at once. */
export class Backoff {
  private next = FIRST_MS
  private readonly max: number

  constructor(maxMs = MAX_MS) {
    this.max = maxMs
  }

  reset(): void {
    this.next = FIRST_MS
  }

  /** Waits. Rejects with the signal's reason when it aborts. */
  async wait(signal?: AbortSignal): Promise<void> {
    const ms = this.next * (1 - Math.random() / 3)
    this.next = Math.min(this.next * 2, this.max)
    await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(error => {
      throw signal?.aborted ? signal.reason : error
    })
  }
}
