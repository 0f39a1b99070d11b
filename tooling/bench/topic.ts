import { join } from 'node:path'
import type { MessagingClient } from '@pulsar-io/messaging'
import { openEmbedded } from '@pulsar-io/messaging-embedded'
import type { SchemaInfo } from '@pulsar-io/sdk'

const BATCH = 1000

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

  /** Publishes `payloads` into a new log below `folder`. */
  static async fill(folder: string, payloads: readonly Uint8Array[], schema?: SchemaInfo): Promise<BenchTopic> {
    const directory = join(folder, 'log')
    const client = await openEmbedded({ directory })
    const name = 'persistent://public/default/bench'
    await client.topics.create(name)
    await client.topics.setRetention(name, { sizeBytes: -1, timeMs: -1 })
    const producer = await client.createProducer({ topic: name, ...(schema ? { schema } : {}) })
    for (let from = 0; from < payloads.length; from += BATCH)
      await producer.send(payloads.slice(from, from + BATCH).map((payload, i) => ({ payload, key: String(from + i) })))
    await producer.close()
    return new BenchTopic(name, directory, client)
  }

  /** Resolves once the subscription has acknowledged everything. */
  async drained(subscription: string): Promise<void> {
    for (;;) {
      const stats = await this.#client.topics.stats(this.name)
      if (stats.subscriptions.find(each => each.name === subscription)?.backlog === 0) return
      await new Promise(resolve => setTimeout(resolve, 5))
    }
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
