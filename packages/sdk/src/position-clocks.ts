import type { SinkContext, StateStore } from './context.ts'
import { TransientError } from './errors.ts'
import { PartitionClock, type Stretch } from './position-clock.ts'
import type { Record } from './record.ts'

/**
 * Gives each record of a sink a number that stays the same whenever and by whomever it is written, and grows with the
 * position within a topic partition: microseconds since 1970, near the publish time. For systems that keep of two writes
 * the one with the larger number, so that a record which comes again never overwrites a newer one.
 *
 * Where one consumer after the other owns a partition (Failover, Exclusive), how the numbers run is kept in the
 * connector's state. Otherwise the order across consumers is that of publish times.
 */
export class PositionClocks {
  /** Undefined where the records of a partition are spread over consumers, so that none knows what the others do. */
  readonly #state: StateStore | undefined
  readonly #code: string
  readonly #clocks = new Map<string, PartitionClock>()

  /** `code`: that of the error where the state cannot be read or written. */
  constructor({ state, subscriptionType }: Pick<SinkContext, 'state' | 'subscriptionType'>, code: string) {
    this.#state = subscriptionType === 'Failover' || subscriptionType === 'Exclusive' ? state : undefined
    this.#code = code
  }

  /**
   * Timestamps in microseconds, in the order of the records. They are durable when the promise resolves.
   * Throws a TransientError where the state cannot be read or written.
   */
  async timestamps(records: readonly Record[]): Promise<readonly bigint[]> {
    const stamped = this.#stamp(records, false)
    if (stamped.missing.size === 0) return stamped.timestamps
    // Somebody else may have owned the partition since it was looked at.
    for (const key of stamped.missing) await this.#load(key)
    const { timestamps, missing } = this.#stamp(records, true)
    for (const key of missing) await this.#store(key)
    return timestamps
  }

  /** `missing`: the partitions for which a stretch has to be begun, or was begun where `mayBegin`. */
  #stamp(records: readonly Record[], mayBegin: boolean) {
    const timestamps = new Array<bigint>(records.length).fill(0n)
    const missing = new Set<string>()
    let largest: number | undefined
    let last: Record | undefined
    let key = ''
    let clock: PartitionClock | undefined
    records.forEach((record, i) => {
      const { position, publishTime } = record
      // Neighbours are mostly of one partition: one look-up for a run of them.
      if (last?.topic !== record.topic || last.partition !== record.partition) {
        key = `clock/${record.topic}/${record.partition}`
        clock = this.#clocks.get(key)
      }
      last = record
      let timestamp = clock?.find(position, publishTime)
      if (timestamp === undefined) {
        missing.add(key)
        if (mayBegin && clock) {
          largest ??= records.reduce((most, each) => Math.max(most, each.position.batchIndex), 0)
          timestamp = clock.begin(position, publishTime, largest)
        }
      }
      timestamps[i] = timestamp ?? 0n
    })
    return { timestamps, missing }
  }

  async #load(key: string): Promise<void> {
    if (!this.#state) {
      if (!this.#clocks.has(key)) this.#clocks.set(key, new PartitionClock())
      return
    }
    const bytes = await this.#durably('read', () => this.#state?.get(key))
    this.#clocks.set(key, new PartitionClock(bytes ? parse(bytes) : []))
  }

  async #store(key: string): Promise<void> {
    const clock = this.#clocks.get(key)
    if (this.#state && clock) await this.#durably('written', () => this.#state?.put(key, print(clock.stretches)))
  }

  async #durably<T>(what: string, work: () => Promise<T> | undefined): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      throw new TransientError(
        `the numbers of positions cannot be ${what} in the connector’s state: ${(error as Error).message}`,
        { code: this.#code, cause: error },
      )
    }
  }
}

function print(stretches: readonly Stretch[]): Uint8Array {
  const lines = stretches.map(({ from, to, base, step }) =>
    [from.ledgerId, from.entryId, from.batchIndex, to, base, step].join(' '),
  )
  return Buffer.from(lines.join('\n'))
}

function parse(bytes: Uint8Array): Stretch[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
  return text.split('\n').map(line => {
    const [ledgerId = 0n, entryId = 0n, batchIndex = 0n, to = 0n, base = 0n, step = 1n] = line.split(' ').map(BigInt)
    return { from: { ledgerId, entryId, batchIndex: Number(batchIndex) }, to, base, step }
  })
}
