import type { MessagingClient, OutgoingMessage, Producer } from '@pulsar-io/messaging'
import { codecFor } from '@pulsar-io/schema'
import type { SourceRecord } from '@pulsar-io/sdk'
import { isConnectorError } from '@pulsar-io/sdk/core'
import { messageWithCauses } from '../failure.ts'
import { defaultDeadLetterTopic, LONGEST_REASON } from './dead-letters.ts'

/** A record of a source that cannot be published, and why. */
export interface SourceLetter {
  readonly record: SourceRecord
  /** The topic that it was meant for. */
  readonly topic: string
  readonly error: Error
}

/** Publishes what a transform cannot handle to `<destination>-<connector>-DLQ`: bytes and text as they are, the rest as JSON. */
export class SourceDeadLetters {
  readonly #client: MessagingClient
  readonly #connector: string
  readonly #producers = new Map<string, Promise<Producer>>()

  constructor(client: MessagingClient, connector: string) {
    this.#client = client
    this.#connector = connector
  }

  topicFor(destination: string): string {
    return defaultDeadLetterTopic(destination, this.#connector)
  }

  /** Resolves when all of them are durable. Rejects with the messaging system's error; then publish them again. */
  async publish(letters: readonly SourceLetter[]): Promise<void> {
    const { encode } = await codecFor(undefined)
    const groups = new Map<string, OutgoingMessage[]>()
    for (const letter of letters) {
      const topic = this.topicFor(letter.topic)
      const group = groups.get(topic) ?? []
      group.push(this.#message(letter, encode))
      groups.set(topic, group)
    }
    await Promise.all([...groups].map(async ([topic, messages]) => (await this.#producer(topic)).send(messages)))
  }

  async close(): Promise<void> {
    const producers = [...this.#producers.values()]
    this.#producers.clear()
    await Promise.allSettled(producers.map(async producer => (await producer).close()))
  }

  #producer(topic: string): Promise<Producer> {
    let producer = this.#producers.get(topic)
    if (!producer) {
      producer = this.#client.createProducer({ topic })
      this.#producers.set(topic, producer)
      // A failed one is made anew at the next try; who awaits it sees the error.
      producer.catch(() => this.#producers.delete(topic))
    }
    return producer
  }

  #message({ record, topic, error }: SourceLetter, encode: (value: unknown) => Uint8Array): OutgoingMessage {
    const { value, key, eventTime, properties, partitionId, sequence } = record
    return {
      payload: value === null || value === undefined ? null : encode(value),
      key,
      eventTime,
      properties: {
        ...properties,
        REAL_TOPIC: topic,
        'pulsar-io-reason': messageWithCauses(error).slice(0, LONGEST_REASON),
        'pulsar-io-code': isConnectorError(error) ? error.code : 'PIO_BUG',
        'pulsar-io-connector': this.#connector,
        'pulsar-io-topic': topic,
        ...(partitionId === undefined ? {} : { 'pulsar-io-partition': partitionId }),
        ...(sequence === undefined ? {} : { 'pulsar-io-position': sequence.toString() }),
      },
    }
  }
}
