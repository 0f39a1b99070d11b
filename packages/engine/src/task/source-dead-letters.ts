import type { MessagingClient } from '@pulsar-io/messaging'
import { codecFor } from '@pulsar-io/schema'
import type { SourceRecord } from '@pulsar-io/sdk'
import { deadLetterProperties, defaultDeadLetterTopic } from '../dead-letter/format.ts'
import { type Addressed, TopicProducers } from '../dead-letter/topic-producers.ts'

/** A record of a source that cannot be published, and why. */
export interface SourceLetter {
  readonly record: SourceRecord
  /** The topic that it was meant for. */
  readonly topic: string
  readonly error: Error
}

/** Publishes what a transform cannot handle to `<destination>-<connector>-DLQ`: bytes and text as they are, the rest as JSON. */
export class SourceDeadLetters {
  readonly #connector: string
  readonly #producers: TopicProducers

  constructor(client: MessagingClient, connector: string) {
    this.#connector = connector
    this.#producers = new TopicProducers(client)
  }

  topicFor(destination: string): string {
    return defaultDeadLetterTopic(destination, this.#connector)
  }

  /** Resolves when all of them are durable. Rejects with the messaging system's error; then publish them again. */
  async publish(letters: readonly SourceLetter[]): Promise<void> {
    const { encode } = await codecFor(undefined)
    await this.#producers.send(letters.map(letter => this.#letter(letter, encode)))
  }

  close(): Promise<void> {
    return this.#producers.close()
  }

  #letter({ record, topic, error }: SourceLetter, encode: (value: unknown) => Uint8Array): Addressed {
    const { value, key, eventTime, partitionId, sequence } = record
    const properties = {
      ...record.properties,
      ...deadLetterProperties({
        connector: this.#connector,
        topic,
        error,
        partition: partitionId,
        position: sequence?.toString(),
      }),
    }
    const payload = value === null || value === undefined ? null : encode(value)
    return { topic: this.topicFor(topic), message: { payload, key, eventTime, properties } }
  }
}
