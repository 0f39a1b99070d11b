import type { MessagingClient, OutgoingMessage, Producer } from '@pulsar-io/messaging'
import { schemaIdentity } from '@pulsar-io/schema'
import type { SchemaInfo } from '@pulsar-io/sdk'

/** A message and where it goes. */
export interface Addressed {
  readonly topic: string
  readonly schema?: SchemaInfo | undefined
  readonly message: OutgoingMessage
}

/** Publishes into several topics, with the schema of each message. Connectors have few of either. */
export class TopicProducers {
  readonly #client: MessagingClient
  /** By topic and schema. */
  readonly #producers = new Map<string, Promise<Producer>>()

  constructor(client: MessagingClient) {
    this.#client = client
  }

  /** Resolves when all of them are durable. Rejects with the messaging system's error; then send them again. */
  async send(all: readonly Addressed[]): Promise<void> {
    const groups = new Map<string, Addressed & { readonly messages: OutgoingMessage[] }>()
    for (const each of all) {
      const key = `${each.topic} ${each.schema ? schemaIdentity(each.schema) : ''}`
      const group = groups.get(key) ?? { ...each, messages: [] }
      group.messages.push(each.message)
      groups.set(key, group)
    }
    await Promise.all(
      [...groups].map(async ([key, { topic, schema, messages }]) =>
        (await this.#producer(key, topic, schema)).send(messages),
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
      // Each message by itself: a dead letter is acknowledged alone, which brokers do not do within a batch by default.
      producer = this.#client.createProducer({ topic, batching: { enabled: false }, ...(schema ? { schema } : {}) })
      this.#producers.set(key, producer)
      // A failed one is made anew at the next try; who awaits it sees the error.
      producer.catch(() => this.#producers.delete(key))
    }
    return producer
  }
}
