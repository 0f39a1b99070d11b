import type { PulsarClient } from '@pulsar-io/messaging-pulsar'
import {
  type BatchInfo,
  type BatchSink,
  ConfigError,
  defineSink,
  type Outcome,
  type PartitionCheckpoint,
  type Record,
  type SinkContext,
} from '@pulsar-io/sdk'
import { type Connect, openClient } from './client.ts'
import { type SinkConfig, sinkOptions } from './sink-options.ts'
import { TopicTemplate } from './topic-template.ts'
import { NumberedWriter } from './write-numbered.ts'
import { PlainWriter } from './write-plain.ts'
import { TransactionalWriter } from './write-transactional.ts'
import type { Writer } from './writer.ts'

export const sink = defineSink({
  name: 'pulsar',
  summary: 'Publishes the records of a topic to another topic of the same or another Pulsar cluster.',
  config: sinkOptions,
  delivery: 'transactional',
  atomic: 'effectively-once',
  batch: ({ batchSize, batchBytes, batchTimeMs }) => ({
    maxRecords: batchSize,
    maxBytes: batchBytes,
    maxDelayMs: batchTimeMs,
    maxInFlight: 4,
  }),
  create: () => new PulsarSink(),
})

/** Publishes records; under EFFECTIVELY_ONCE in transactions, or with numbers by which the target knows them again. */
export class PulsarSink implements BatchSink<SinkConfig> {
  readonly #connect: Connect | undefined
  #writer: Writer | undefined
  #close: (() => Promise<void>) | undefined

  constructor(connect?: Connect) {
    this.#connect = connect
  }

  async open(config: SinkConfig, context: SinkContext): Promise<void> {
    refuse(config, context)
    const client = await openClient(config, context, this.#connect)
    this.#close = () => client.close()
    const targets = new TopicTemplate(config.topic)
    const writer = await writerFor(client, config, context, targets)
    this.#writer = writer
    // So that a target which cannot be written to is known before the first record.
    const known =
      targets.fixed === undefined ? context.inputTopics.map(topic => targets.targetOf(topic)) : [targets.fixed]
    for (const target of new Set(known)) await writer.prepare(target)
    context.logger.info(`connected to Pulsar at ${config.serviceUrl}`, { topic: config.topic })
  }

  async committed(): Promise<readonly PartitionCheckpoint[]> {
    return this.#writer?.committed?.() ?? []
  }

  async write(records: readonly Record[], batch: BatchInfo): Promise<readonly Outcome[] | void> {
    if (!this.#writer) throw new Error('the sink is not open')
    return this.#writer.write(records, batch)
  }

  async close(): Promise<void> {
    const close = this.#close
    this.#close = undefined
    this.#writer?.close()
    await close?.()
  }
}

async function writerFor(
  client: PulsarClient,
  config: SinkConfig,
  context: SinkContext,
  targets: TopicTemplate,
): Promise<Writer> {
  if (context.guarantee !== 'EFFECTIVELY_ONCE') return new PlainWriter(client, config, context, targets)
  if (config.effectivelyOnce === 'deduplication') return new NumberedWriter(client, config, context, targets)
  return TransactionalWriter.open(client, config, context, targets)
}

/** A transaction is fenced by the positions topic, which has one holder. Throws a ConfigError. */
function refuse({ effectivelyOnce }: SinkConfig, { guarantee, numInstances }: SinkContext): void {
  if (guarantee !== 'EFFECTIVELY_ONCE' || effectivelyOnce !== 'transactions' || numInstances === 1) return
  throw new ConfigError([
    {
      path: 'effectivelyOnce',
      message: `transactions are for one instance, and parallelism is ${numInstances}: set parallelism to 1, or effectivelyOnce to deduplication`,
    },
  ])
}
