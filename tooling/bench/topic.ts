import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MessagingClient } from '@pulsar-io/messaging'
import { openEmbedded } from '@pulsar-io/messaging-embedded'
import type { SchemaInfo } from '@pulsar-io/sdk'

const BATCH = 1000
/** Milliseconds between looks at a topic: each takes processor time from what is measured, on the same cores. */
const LOOK_MS = 20

/** A topic of an embedded log that keeps its messages, so that every round reads the same ones. */
export class BenchTopic {
  readonly name: string
  readonly url: string
  readonly #client: MessagingClient

  private constructor(name: string, directory: string, client: MessagingClient) {
    this.name = name
    this.url = `embedded:${directory}`
    this.#client = client
  }

  /** A topic in a new log below `folder` that forgets what is acknowledged. */
  static async empty(folder: string, partitions = 0): Promise<BenchTopic> {
    const directory = join(folder, 'log')
    const client = await openEmbedded({ directory })
    const name = 'persistent://public/default/bench'
    await client.topics.create(name, { partitions })
    return new BenchTopic(name, directory, client)
  }

  /** A topic in a new log below `folder` that keeps these payloads whatever is acknowledged. */
  static async fill(
    folder: string,
    payloads: readonly Uint8Array[],
    schema?: SchemaInfo,
    partitions = 0,
  ): Promise<BenchTopic> {
    const topic = await BenchTopic.empty(folder, partitions)
    await topic.#client.topics.setRetention(topic.name, { sizeBytes: -1, timeMs: -1 })
    await topic.publish(payloads, undefined, schema)
    return topic
  }

  /** Publishes at full speed, or so many records per second. */
  async publish(payloads: readonly Uint8Array[], perSecond?: number, schema?: SchemaInfo): Promise<void> {
    const producer = await this.#client.createProducer({ topic: this.name, ...(schema ? { schema } : {}) })
    const begin = performance.now()
    for (let from = 0; from < payloads.length; from += BATCH) {
      await producer.send(payloads.slice(from, from + BATCH).map((payload, i) => ({ payload, key: String(from + i) })))
      const early = perSecond === undefined ? 0 : begin + ((from + BATCH) / perSecond) * 1000 - performance.now()
      if (early > 0) await sleep(early)
    }
    await producer.close()
  }

  /** Resolves once the subscription is there. */
  async subscribed(subscription: string): Promise<void> {
    while (!(await this.#client.topics.stats(this.name)).subscriptions.some(({ name }) => name === subscription))
      await sleep(5)
  }

  /** Resolves once the subscription has acknowledged everything. */
  async drained(subscription: string): Promise<void> {
    for (;;) {
      const stats = await this.#client.topics.stats(this.name)
      if (stats.subscriptions.find(each => each.name === subscription)?.backlog === 0) return
      await sleep(LOOK_MS)
    }
  }

  /** Resolves once so many messages were published to it. */
  async holds(messages: number): Promise<void> {
    await this.#client.topics.setRetention(this.name, { sizeBytes: -1, timeMs: -1 })
    while ((await this.#client.topics.stats(this.name)).messages < messages) await sleep(LOOK_MS)
  }

  async close(): Promise<void> {
    await this.#client.close()
  }
}

/** JSON records of about `bytes` bytes each. */
export function jsonRecords(count: number, bytes: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, id) => {
    const record = { id, name: `user-${id}`, active: id % 2 === 0, score: id / 7, tags: ['a', 'b', 'c'], note: '' }
    record.note = 'x'.repeat(Math.max(0, bytes - JSON.stringify(record).length))
    return Buffer.from(JSON.stringify(record))
  })
}
