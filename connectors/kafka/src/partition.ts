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
  #emitted: bigint
  #published: bigint

  constructor(topic: string, topicId: string, partition: number, start: bigint, onSettled: () => void) {
    this.topic = topic
    this.topicId = topicId
    this.partition = partition
    this.id = partitionId(topic, topicId, partition)
    this.next = start
    this.#seen = start
    this.#emitted = start - 1n
    this.#published = start - 1n
    this.#onSettled = onSettled
  }

  /** Whether all that was handed on is published. */
  get settled(): boolean {
    return this.#emitted === this.#published
  }

  /** The offset up to which everything is published, or was passed over: there is nothing more to do before it. */
  get done(): bigint {
    return this.settled ? this.#seen : this.#published + 1n
  }

  /** Notes what was read, and the offset of the last record that is handed on. */
  took(seen: bigint, emitted: bigint | undefined): void {
    this.#seen = seen
    if (emitted !== undefined) this.#emitted = emitted
  }

  /** A record is published. The runtime says so in the order of the records. */
  published(offset: bigint): void {
    if (offset > this.#published) this.#published = offset
    this.#onSettled()
  }
}

/** Servers without ids of topics (before Kafka 2.8) give the name twice. */
export function partitionId(topic: string, topicId: string, partition: number): string {
  return topicId === topic ? `${topic}-${partition}` : `${topic}-${partition}-${topicId}`
}
