import { type BatchInfo, type BatchSink, defineSink, type Outcome, type Record, type SinkContext } from '@pulsar-io/sdk'
import { type Connect, openClient } from './client.ts'
import { type SinkConfig, sinkOptions } from './sink-options.ts'
import { TopicTemplate } from './topic-template.ts'
import { NumberedWriter } from './write-numbered.ts'
import { PlainWriter } from './write-plain.ts'
import type { Writer } from './writer.ts'

export const sink = defineSink({
  name: 'pulsar',
  summary: 'Publishes the records of a topic to another topic of the same or another Pulsar cluster.',
  config: sinkOptions,
  delivery: 'idempotent',
  batch: ({ batchSize, batchBytes, batchTimeMs }) => ({
    maxRecords: batchSize,
    maxBytes: batchBytes,
    maxDelayMs: batchTimeMs,
    maxInFlight: 4,
  }),
  create: () => new PulsarSink(),
})

/** Publishes records; under EFFECTIVELY_ONCE with numbers by which the target knows them again. */
export class PulsarSink implements BatchSink<SinkConfig> {
  readonly #connect: Connect | undefined
  #writer: Writer | undefined
  #close: (() => Promise<void>) | undefined

  constructor(connect?: Connect) {
    this.#connect = connect
  }

  async open(config: SinkConfig, context: SinkContext): Promise<void> {
    const client = await openClient(config, context, this.#connect)
    this.#close = () => client.close()
    const targets = new TopicTemplate(config.topic)
    const writer =
      context.guarantee === 'EFFECTIVELY_ONCE'
        ? new NumberedWriter(client, config, context, targets)
        : new PlainWriter(client, config, context, targets)
    this.#writer = writer
    // So that a target which cannot be written to is known before the first record.
    const known =
      targets.fixed === undefined ? context.inputTopics.map(topic => targets.targetOf(topic)) : [targets.fixed]
    for (const target of new Set(known)) await writer.prepare(target)
    context.logger.info(`connected to Pulsar at ${config.serviceUrl}`, { topic: config.topic })
  }

  async write(records: readonly Record[], { signal }: BatchInfo): Promise<readonly Outcome[] | void> {
    if (!this.#writer) throw new Error('the sink is not open')
    return this.#writer.write(records, signal)
  }

  async close(): Promise<void> {
    const close = this.#close
    this.#close = undefined
    this.#writer?.close()
    await close?.()
  }
}
