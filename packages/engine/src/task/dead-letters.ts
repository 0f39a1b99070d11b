import type { MessagingClient, OutgoingMessage, Producer } from '@pulsar-io/messaging'
import { formatTopicName, parseTopicName } from '@pulsar-io/messaging'
import { schemaIdentity } from '@pulsar-io/schema'
import type { SchemaInfo } from '@pulsar-io/sdk'
import { formatPosition, isConnectorError } from '@pulsar-io/sdk/core'
import { messageWithCauses } from '../failure.ts'
import type { TaskRecord } from './task-record.ts'

/** Reasons are cut here: a server may quote a whole document in its message. */
export const LONGEST_REASON = 4_000

/** The name of the dead letter topic of an input: `<topic>-<subscription>-DLQ`; a slash in a subscription becomes a dash, for a topic name has none. */
export function defaultDeadLetterTopic(topic: string, subscription: string): string {
  const name = parseTopicName(topic)
  return formatTopicName({ ...name, local: `${name.local}-${subscription.replaceAll('/', '-')}-DLQ` })
}

/** Publishes records that can never succeed, with their original bytes and the reason. */
export class DeadLetters {
  readonly #client: MessagingClient
  readonly #connector: string
  readonly #subscription: string
  readonly #topic: string | undefined
  /** By topic and schema. A sink has few of either. */
  readonly #producers = new Map<string, Promise<Producer>>()

  constructor(
    client: MessagingClient,
    options: { readonly connector: string; readonly subscription: string; readonly topic: string | undefined },
  ) {
    this.#client = client
    this.#connector = options.connector
    this.#subscription = options.subscription
    this.#topic = options.topic
  }

  /** Where the dead letters of an input topic go. */
  topicFor(input: string): string {
    return this.#topic ?? defaultDeadLetterTopic(input, this.#subscription)
  }

  /** Resolves when all of them are durable. Rejects with the messaging system's error; then publish them again. */
  async publish(letters: readonly { readonly record: TaskRecord; readonly error: Error }[]): Promise<void> {
    const groups = new Map<string, { topic: string; schema: SchemaInfo | undefined; messages: OutgoingMessage[] }>()
    for (const { record, error } of letters) {
      const topic = this.topicFor(record.topic)
      const key = `${topic} ${record.schema ? schemaIdentity(record.schema) : ''}`
      const group = groups.get(key) ?? { topic, schema: record.schema, messages: [] }
      group.messages.push(this.#letter(record, error))
      groups.set(key, group)
    }
    await Promise.all(
      [...groups].map(async ([key, group]) =>
        (await this.#producer(key, group.topic, group.schema)).send(group.messages),
      ),
    )
  }

  async close(): Promise<void> {
    const producers = [...this.#producers.values()]
    this.#producers.clear()
    await Promise.allSettled(producers.map(async producer => (await producer).close()))
  }

  #producer(key: string, topic: string, schema: SchemaInfo | undefined): Promise<Producer> {
    let producer = this.#producers.get(key)
    if (!producer) {
      producer = this.#client.createProducer({ topic, ...(schema ? { schema } : {}) })
      this.#producers.set(key, producer)
      // A failed one is made anew at the next try; who awaits it sees the error.
      producer.catch(() => this.#producers.delete(key))
    }
    return producer
  }

  #letter(record: TaskRecord, error: Error): OutgoingMessage {
    const { message } = record
    return {
      payload: message.payload,
      key: message.key,
      keyIsBase64: message.keyIsBase64,
      orderingKey: message.orderingKey,
      eventTime: message.eventTime,
      properties: {
        ...message.properties,
        // The two names that Pulsar's own clients write.
        REAL_TOPIC: message.topic,
        ORIGIN_MESSAGE_ID: formatPosition(message.position),
        'pulsar-io-reason': messageWithCauses(error).slice(0, LONGEST_REASON),
        'pulsar-io-code': isConnectorError(error) ? error.code : 'PIO_BUG',
        'pulsar-io-attempts': String(record.attempts),
        'pulsar-io-connector': this.#connector,
        'pulsar-io-topic': message.topic,
        'pulsar-io-partition': String(message.partition),
        'pulsar-io-position': formatPosition(message.position),
      },
    }
  }
}
