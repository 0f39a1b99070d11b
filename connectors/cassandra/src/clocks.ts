import { type Record, type StateStore, TransientError } from '@pulsar-io/sdk'
import { PartitionClock, type Stretch } from './clock.ts'

/**
 * The clocks of all partitions that a sink reads. Where one consumer after the other owns a partition, they are kept in
 * the connector's state, so that a record gets the same timestamp from each of them.
 */
export class Clocks {
  /** Undefined where the records of a partition are spread over consumers, so that none knows what the others do. */
  readonly #state: StateStore | undefined
  readonly #clocks = new Map<string, PartitionClock>()

  constructor(state: StateStore | undefined) {
    this.#state = state
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
    const bytes = await durably('read', () => this.#state?.get(key))
    this.#clocks.set(key, new PartitionClock(bytes ? parse(bytes) : []))
  }

  async #store(key: string): Promise<void> {
    const clock = this.#clocks.get(key)
    if (this.#state && clock) await durably('written', () => this.#state?.put(key, print(clock.stretches)))
  }
}

async function durably<T>(what: string, work: () => Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    throw new TransientError(
      `the write timestamps cannot be ${what} in the connector’s state: ${(error as Error).message}`,
      { code: 'PIO_CASSANDRA_STATE', cause: error },
    )
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
