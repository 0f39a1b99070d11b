import type { Reading } from './driver/fetcher.ts'

/** A partition between being handed to us and being handed over, and how far it got. */
export class Partition implements Reading {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** Names the partition for ever: a topic that was deleted and made again has another id. */
  readonly id: string
  /** The offset to read next. */
  next: bigint
  /** The offset that was committed last. */
  committed: bigint | undefined
  /** The end of the partition when it was read last. */
  end = 0n
  readonly #onSettled: () => void
  /** The offset behind everything that was read. */
  #seen: bigint
  /** Records that were handed on, and how many of them are published without a gap. */
  #emitted = 0
  #published = 0
  /** The offset behind the last of those. */
  #reached: bigint
  /** Records that were published before one ahead of them, by their number. */
  readonly #early = new Map<number, bigint>()

  constructor(topic: string, topicId: string, partition: number, start: bigint, onSettled: () => void) {
    this.topic = topic
    this.topicId = topicId
    this.partition = partition
    this.id = partitionId(topic, topicId, partition)
    this.next = start
    this.#seen = start
    this.#reached = start
    this.#onSettled = onSettled
  }

  /** Whether all that was handed on is published. */
  get settled(): boolean {
    return this.#emitted === this.#published
  }

  /** The offset up to which everything is published, or was passed over: there is nothing more to do before it. */
  get done(): bigint {
    return this.settled ? this.#seen : this.#reached
  }

  /** Notes that everything up to an offset was read. */
  saw(next: bigint): void {
    this.#seen = next
  }

  /** The number of a record that is handed on. */
  hand(): number {
    return this.#emitted++
  }

  /** A record is published. Mostly in the order of the records, but nothing has to keep it. */
  published(number: number, offset: bigint): void {
    if (number === this.#published) {
      this.#published++
      this.#reached = offset + 1n
      if (this.#early.size > 0) this.#catchUp()
    } else if (number > this.#published) this.#early.set(number, offset)
    this.#onSettled()
  }

  #catchUp(): void {
    for (
      let offset = this.#early.get(this.#published);
      offset !== undefined;
      offset = this.#early.get(this.#published)
    ) {
      this.#early.delete(this.#published++)
      this.#reached = offset + 1n
    }
  }
}

/** Servers without ids of topics (before Kafka 2.8) give the name twice. */
export function partitionId(topic: string, topicId: string, partition: number): string {
  return topicId === topic ? `${topic}-${partition}` : `${topic}-${partition}-${topicId}`
}
