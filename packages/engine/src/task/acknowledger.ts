import type { Consumer, Message } from '@pulsar-io/messaging'
import { toError } from '../failure.ts'
import type { TaskStats } from './stats.ts'
import { partitionKey } from './task-record.ts'

/** Acknowledgements under way at most. */
const MAX_PENDING = 8

/** Acknowledges settled messages beside the work, so that the next batch is written meanwhile. */
export class Acknowledger {
  readonly #consumer: Consumer
  readonly #cumulative: boolean
  readonly #stats: TaskStats
  readonly #failed: (error: Error) => void
  readonly #pending = new Set<Promise<void>>()

  /** `failed` hears of the first acknowledgement that cannot be recorded. */
  constructor(consumer: Consumer, cumulative: boolean, stats: TaskStats, failed: (error: Error) => void) {
    this.#consumer = consumer
    this.#cumulative = cumulative
    this.#stats = stats
    this.#failed = failed
  }

  /** Resolves when the messages are acknowledged. */
  async acknowledge(messages: readonly Message[]): Promise<void> {
    if (!this.#cumulative) return this.#consumer.acknowledge(messages)
    for (const message of lastOfEachPartition(messages)) await this.#consumer.acknowledgeCumulative(message)
  }

  /** Begins to acknowledge messages that are out of flight once that is done. Resolves when there is room for more. */
  async begin(messages: readonly Message[]): Promise<void> {
    const acknowledging: Promise<void> = this.acknowledge(messages)
      .then(
        () => {
          this.#stats.inFlight -= messages.length
          this.#stats.active()
        },
        error => this.#failed(toError(error)),
      )
      .finally(() => this.#pending.delete(acknowledging))
    this.#pending.add(acknowledging)
    while (this.#pending.size >= MAX_PENDING) await Promise.race(this.#pending)
  }

  /** Resolves when nothing is under way. */
  async drained(): Promise<void> {
    await Promise.all(this.#pending)
  }
}

/** The last message of each partition, in which a cumulative acknowledgement and a checkpoint end. */
export function lastOfEachPartition(messages: readonly Message[]): readonly Message[] {
  const last = new Map<string, Message>()
  let previous: Message | undefined
  for (const message of messages) {
    // Neighbours are mostly of one partition: one look-up for a run of them.
    if (previous && (previous.topic !== message.topic || previous.partition !== message.partition))
      last.set(partitionKey(previous), previous)
    previous = message
  }
  if (previous) last.set(partitionKey(previous), previous)
  return [...last.values()]
}
