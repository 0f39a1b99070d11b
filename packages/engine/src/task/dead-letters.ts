import type { MessagingClient } from '@pulsar-io/messaging'
import { formatPosition } from '@pulsar-io/sdk/core'
import { deadLetterProperties, defaultDeadLetterTopic } from '../dead-letter/format.ts'
import { type Addressed, TopicProducers } from '../dead-letter/topic-producers.ts'
import type { TaskRecord } from './task-record.ts'

/** Publishes records that can never succeed, with their original bytes and the reason. */
export class DeadLetters {
  readonly #connector: string
  readonly #subscription: string
  readonly #topic: string | undefined
  readonly #producers: TopicProducers

  constructor(
    client: MessagingClient,
    options: { readonly connector: string; readonly subscription: string; readonly topic: string | undefined },
  ) {
    this.#connector = options.connector
    this.#subscription = options.subscription
    this.#topic = options.topic
    this.#producers = new TopicProducers(client)
  }

  /** Where the dead letters of an input topic go. */
  topicFor(input: string): string {
    return this.#topic ?? defaultDeadLetterTopic(input, this.#subscription)
  }

  /** Resolves when all of them are durable. Rejects with the messaging system's error; then publish them again. */
  publish(letters: readonly { readonly record: TaskRecord; readonly error: Error }[]): Promise<void> {
    return this.#producers.send(letters.map(({ record, error }) => this.#letter(record, error)))
  }

  close(): Promise<void> {
    return this.#producers.close()
  }

  #letter(record: TaskRecord, error: Error): Addressed {
    const { message } = record
    const { payload, key, keyIsBase64, orderingKey, eventTime } = message
    const properties = {
      ...message.properties,
      ...deadLetterProperties({
        connector: this.#connector,
        topic: message.topic,
        error,
        partition: String(message.partition),
        position: formatPosition(message.position),
        isMessage: true,
        attempts: record.attempts,
      }),
    }
    return {
      topic: this.topicFor(record.topic),
      schema: record.schema,
      message: { payload, key, keyIsBase64, orderingKey, eventTime, properties },
    }
  }
}
