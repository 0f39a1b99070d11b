import type { Record } from '@pulsar-io/sdk'

/** Timestamps of the time of writing: no two are the same, and each is larger than the one before. */
export class WallClock {
  #last = 0n

  timestamps(records: readonly Record[]): Promise<readonly bigint[]> {
    const now = BigInt(Date.now()) * 1000n
    return Promise.resolve(
      records.map(() => {
        this.#last = this.#last < now ? now : this.#last + 1n
        return this.#last
      }),
    )
  }
}
