import type { Source, SourceContext, SourceRecord } from '@pulsar-io/sdk'
import { type Client, type Entry, openClient } from './client.ts'
import type { Config } from './options.ts'

/** Entries that are asked for at a time: what the source holds in memory at most. */
const READ_AHEAD = 100

/** Reads the entries of a stream. What is not published is not acknowledged, and comes again. */
export class MySystemSource implements Source<Config> {
  #client: Client | undefined
  #context: SourceContext | undefined

  async open(config: Config, context: SourceContext): Promise<void> {
    this.#context = context
    this.#client = await openClient(config, context.signal)
    context.logger.info(`connected to ${config.host}:${config.port}`, { stream: config.stream })
  }

  /** Throws a ConnectionError when the connection is lost: the runtime then opens the source again. */
  async read(): Promise<readonly SourceRecord[]> {
    const client = this.#client
    if (!client) throw new Error('read was called before open')
    try {
      const entries = await client.take(READ_AHEAD)
      return entries.flatMap(entry => this.#toRecord(entry, client) ?? [])
    } catch (error) {
      // Told to stop while it waited: there is nothing to report.
      if (this.#context?.signal.aborted) return []
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#client?.close()
  }

  #toRecord({ id, key, value }: Entry, client: Client): SourceRecord | undefined {
    if (typeof value !== 'string') {
      this.#context?.logger.warn(`passing over entry ${id}: its value is no text`)
      client.acknowledge(id)
      return undefined
    }
    return { value, ...(key === null ? {} : { key }), ack: () => client.acknowledge(id) }
  }
}
