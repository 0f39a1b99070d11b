import { setTimeout as sleep } from 'node:timers/promises'
import type { Calls, Client, Connection, FetchedPartition, RawRecord } from './client.ts'
import { failureOf } from './failure.ts'
import type { Topics } from './topics.ts'

const IS_TRANSACTIONAL = 1 << 4
const IS_CONTROL = 1 << 5
const COMMIT = 1

const MAX_BYTES = 4 * 1024 * 1024
const READ_WITHIN_MS = 30_000

/** ListOffsets knows times, and these for begin and end. */
const EARLIEST = -2n
const LATEST = -1n

/**
 * Reads one partition from its begin to its end, and from there on the next time; what is in transactions only once
 * they are committed.
 *
 * It decides so by the markers in the log itself and not, as `read_committed` does, by waiting until no transaction at
 * all is open: those of others in the same partition would hide what is committed behind their begin.
 */
export class LogReader {
  readonly #client: Client
  readonly #topics: Topics
  readonly #topic: string
  readonly #partition: number
  readonly #see: (record: RawRecord) => void
  /** What open transactions have written so far, by producer. */
  readonly #open = new Map<bigint, RawRecord[]>()
  #next: bigint | undefined

  constructor(client: Client, topics: Topics, topic: string, partition: number, see: (record: RawRecord) => void) {
    this.#client = client
    this.#topics = topics
    this.#topic = topic
    this.#partition = partition
    this.#see = see
  }

  /** What transactions have written that are neither committed nor given up yet. */
  get undecided(): readonly RawRecord[] {
    return [...this.#open.values()].flat()
  }

  /** Reads up to the end as it is now. Rejects with the driver's error. */
  async catchUp(signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + READ_WITHIN_MS
    for (;;) {
      try {
        return await this.#read(signal)
      } catch (error) {
        if (performance.now() > deadline || signal.aborted) throw error
        this.#topics.forget([this.#topic])
        await sleep(100)
      }
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { topics } = await this.#topics.find([this.#topic])
    const info = topics.get(this.#topic)
    const leader = info?.leaders[this.#partition] ?? -1
    if (!info || leader < 0) throw new Error(`partition ${this.#partition} of topic ${this.#topic} has no leader`)
    const connection = await this.#client.connection(leader)
    const end = await this.#offset(connection, LATEST)
    const api = await this.#client.api('Fetch')
    while ((this.#next ?? 0n) < end) {
      signal.throwIfAborted()
      const at = {
        partition: this.#partition,
        currentLeaderEpoch: -1,
        fetchOffset: this.#next ?? 0n,
        lastFetchedEpoch: -1,
        partitionMaxBytes: MAX_BYTES,
      }
      // Up to version 12 a topic is asked for by its name.
      const topicId = api.version <= 12 ? this.#topic : info.id
      let answer: Calls['Fetch']
      try {
        answer = await this.#client.send(
          connection,
          api,
          500,
          1,
          MAX_BYTES,
          0,
          0,
          -1,
          [{ topicId, partitions: [at] }],
          [],
          '',
        )
      } catch (error) {
        // The begin of the log has moved on: what is gone is compacted away.
        if (!failureOf(error).codes.includes('OFFSET_OUT_OF_RANGE')) throw error
        const begin = await this.#offset(connection, EARLIEST)
        if (begin <= (this.#next ?? 0n)) throw error
        this.#next = begin
        continue
      }
      const part = answer.responses[0]?.partitions[0]
      if (part) this.#take(part)
    }
  }

  async #offset(connection: Connection, timestamp: bigint): Promise<bigint> {
    const partitions = [{ partitionIndex: this.#partition, currentLeaderEpoch: -1, timestamp }]
    const { topics } = await this.#client.call(connection, 'ListOffsets', -1, 0, [{ name: this.#topic, partitions }])
    return topics[0]?.partitions[0]?.offset ?? 0n
  }

  #take({ records: batches }: FetchedPartition): void {
    for (const { attributes, producerId, firstOffset, lastOffsetDelta, records } of batches ?? []) {
      const next = firstOffset + BigInt(lastOffsetDelta) + 1n
      // A batch that was compacted begins before the offset that was asked for.
      if (next <= (this.#next ?? 0n)) continue
      if (attributes & IS_CONTROL) {
        // The key of a marker: version, type.
        const committed = records[0]?.key?.readInt16BE(2) === COMMIT
        if (committed) this.#open.get(producerId)?.forEach(this.#see)
        this.#open.delete(producerId)
      } else if (attributes & IS_TRANSACTIONAL) {
        const list = this.#open.get(producerId)
        if (list) list.push(...records)
        else this.#open.set(producerId, [...records])
      } else for (const record of records) this.#see(record)
      this.#next = next
    }
  }
}
