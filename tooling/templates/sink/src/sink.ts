import {
  type BatchInfo,
  type BatchSink,
  formatPosition,
  type Outcome,
  type Record,
  RecordError,
  type SinkContext,
} from '@pulsar-io/sdk'
import { type Client, type Entry, openClient } from './client.ts'
import type { Config } from './options.ts'

/**
 * Writes records as entries of a stream. The runtime makes the batches, tries again, keeps the order and acknowledges:
 * here is no queue, no timer and no retry.
 */
export class MySystemSink implements BatchSink<Config> {
  #client: Client | undefined

  async open(config: Config, context: SinkContext): Promise<void> {
    this.#client = await openClient(config, context.signal)
    context.logger.info(`connected to ${config.host}:${config.port}`, { stream: config.stream })
  }

  async write(records: readonly Record[], { signal }: BatchInfo): Promise<readonly Outcome[]> {
    if (!this.#client) throw new Error('write was called before open')
    const refused = await this.#client.append(records.map(toEntry), signal)
    return records.map((_, at) => {
      const reason = refused.get(at)
      return reason === undefined ? undefined : new RecordError(reason, { code: 'PIO_MY_SYSTEM_REFUSED' })
    })
  }

  async close(): Promise<void> {
    await this.#client?.close()
  }
}

/** A record has the same position however often it is delivered, so that its entry is there once. */
function toEntry({ topic, partition, position, key, value }: Record): Entry {
  const id = `${topic}-${partition}-${formatPosition(position)}`
  return { id, key: key ?? null, value: value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value }
}
