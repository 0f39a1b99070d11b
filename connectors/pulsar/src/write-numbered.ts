import { fullTopicName } from '@pulsar-io/messaging'
import type { PulsarClient, PulsarOutgoingMessage } from '@pulsar-io/messaging-pulsar'
import { type BatchInfo, ConfigError, type Outcome, type Record, type SinkContext } from '@pulsar-io/sdk'
import { openProducer } from './producers.ts'
import { sequenceInLedger } from './sequence.ts'
import type { SinkConfig } from './sink-options.ts'
import type { TopicTemplate } from './topic-template.ts'
import { orAborted } from './wait.ts'
import { PartitionWriter } from './write-partition.ts'
import { allSettled, encode, type Writer } from './writer.ts'

/** Milliseconds between looks for producers that nobody uses. */
const LOOK_EVERY_MS = 1_000

/**
 * Publishes each record with a number that follows from its position, so that a target with deduplication drops what it
 * has seen. Numbers grow within a ledger of an input partition, so each ledger has a producer name of its own.
 */
export class NumberedWriter implements Writer {
  readonly #client: PulsarClient
  readonly #config: SinkConfig
  readonly #context: SinkContext
  readonly #targets: TopicTemplate
  readonly #partitions = new Map<string, PartitionWriter>()
  readonly #prepared = new Map<string, Promise<void>>()
  readonly #timer: NodeJS.Timeout

  constructor(client: PulsarClient, config: SinkConfig, context: SinkContext, targets: TopicTemplate) {
    this.#client = client
    this.#config = config
    this.#context = context
    this.#targets = targets
    this.#timer = setInterval(() => this.#closeIdle(), LOOK_EVERY_MS)
    this.#timer.unref()
  }

  prepare(target: string): Promise<void> {
    let preparing = this.#prepared.get(target)
    if (preparing) return preparing
    preparing = this.#prepare(target)
    this.#prepared.set(target, preparing)
    // Tried anew the next time; who awaits it sees the error.
    preparing.catch(() => this.#prepared.delete(target))
    return preparing
  }

  async write(records: readonly Record[], { signal }: BatchInfo): Promise<readonly Outcome[] | void> {
    const { messages, outcomes } = encode(records, record => sequenceInLedger(record.position))
    const groups = new Map<PartitionWriter, { ledgerId: bigint; message: PulsarOutgoingMessage }[]>()
    for (const { record, message } of messages) {
      const writer = this.#partition(record)
      const numbered = { ledgerId: record.position.ledgerId, message }
      const group = groups.get(writer)
      if (group) group.push(numbered)
      else groups.set(writer, [numbered])
    }
    const writing = [...groups].map(async ([writer, group]) => {
      await this.prepare(writer.target)
      await writer.write(group, signal)
    })
    await orAborted(allSettled(writing), signal)
    return outcomes
  }

  close(): void {
    clearInterval(this.#timer)
    this.#partitions.clear()
  }

  #partition({ topic, partition }: Record): PartitionWriter {
    const key = `${topic} ${partition}`
    let writer = this.#partitions.get(key)
    if (writer) return writer
    const { tenant, namespace, name } = this.#context
    const prefix = this.#config.producerName || `${tenant}/${namespace}/${name}`
    const target = this.#targets.targetOf(topic)
    writer = new PartitionWriter(target, ledgerId =>
      openProducer(this.#client, this.#config, this.#context, {
        topic: target,
        name: `${prefix}-${topic}-${partition}-${ledgerId}`,
        // A record that comes again has to meet the partition that has seen it: by its key, else by where it comes from.
        routing: 'Single',
        singlePartition: partition,
      }),
    )
    this.#partitions.set(key, writer)
    return writer
  }

  /** A partition may be another instance's by now, which needs the name. */
  #closeIdle(): void {
    for (const writer of this.#partitions.values()) {
      writer.closeIdle().catch(error => {
        this.#context.logger.debug(`closing an idle producer of ${writer.target}: ${(error as Error).message}`)
      })
    }
  }

  async #prepare(target: string): Promise<void> {
    const topic = fullTopicName(target)
    const { signal, logger } = this.#context
    // Makes the topic and shows whether it may be written to; the producers proper come with their ledgers.
    await (await openProducer(this.#client, this.#config, this.#context, { topic })).close()
    const state = await orAborted(this.#client.topics.deduplication(topic), signal)
    if (state === 'on') return
    const [, namespace = ''] = /^[a-z-]+:\/\/([^/]+\/[^/]+)\//.exec(topic) ?? []
    const cure = `pulsar-admin namespaces set-deduplication --enable ${namespace}`
    if (state === 'unknown') {
      logger.warn(
        `nobody could tell whether ${topic} drops repeated messages, which EFFECTIVELY_ONCE relies on (adminUrl); make sure of it with ${cure}`,
      )
      return
    }
    throw new ConfigError(
      [
        {
          path: 'processingGuarantees',
          message: `deduplication is off for ${topic}, so EFFECTIVELY_ONCE would publish twice after a crash; switch it on with ${cure}, or run with ATLEAST_ONCE`,
        },
      ],
      { code: 'PIO_DEDUPLICATION_OFF' },
    )
  }
}
