import { type ConsumerOptions, fullTopicName, splitPartition, type Topics, topicPattern } from '@pulsar-io/messaging'
import type { SchemaInfo } from '@pulsar-io/sdk'
import type { Addon, AddonClient, AddonConsumer } from './addon.ts'
import { NativeConsumer } from './consumer.ts'
import { closedError, namedError, unsupportedError, usageError } from './errors.ts'
import type { NativeConsumerDefaults } from './options.ts'
import { Part } from './part.ts'
import { readingSchema } from './schema.ts'

/** Knows of topics, schemas and backlogs what the addon does not tell. */
export interface Companion {
  readonly topics: Pick<Topics, 'list' | 'stats'>
  readonly schemas: { latest(topic: string): Promise<SchemaInfo | undefined> }
}

/** What subscribing takes from the client. */
export interface SubscribeContext {
  readonly addon: Addon
  readonly client: AddonClient
  readonly pulsar: Companion
  readonly defaults: NativeConsumerDefaults
  readonly report: (error: unknown) => void
}

const TYPES = { Exclusive: 'Exclusive', Shared: 'Shared', Failover: 'Failover', Key_Shared: 'KeyShared' } as const
const DEFAULT_QUEUE_MESSAGES = 2000
const DEFAULT_QUEUE_BYTES = 32 * 1024 * 1024
/** How often topics are asked for new partitions, and those without a schema for one. */
const LOOK_MS = 60_000
/** What the addon gives at once, and how long it waits for more than what has come. */
const BATCH = { maxNumMessages: 1000, maxNumBytes: 4 * 1024 * 1024, timeoutMs: 5 }

/** Subscribes to topics or to a pattern of them. Rejects with what the broker says, leaving nothing open. */
export async function subscribe(
  context: SubscribeContext,
  options: ConsumerOptions,
  onClose: (consumer: NativeConsumer) => void,
): Promise<NativeConsumer> {
  check(options)
  const look = new Look(context, options, onClose)
  try {
    await look.first()
    return look.consumer
  } catch (error) {
    await look.consumer.close()
    throw error
  }
}

/** Finds the topics of a consumer, now and as they come. */
class Look {
  readonly consumer: NativeConsumer
  private readonly context: SubscribeContext
  private readonly options: ConsumerOptions
  private readonly matches: ((topic: string) => boolean) | undefined
  private timer: NodeJS.Timeout | undefined

  constructor(context: SubscribeContext, options: ConsumerOptions, onClose: (consumer: NativeConsumer) => void) {
    this.context = context
    this.options = options
    this.matches = options.topicsPattern === undefined ? undefined : topicPattern(options.topicsPattern)
    this.consumer = new NativeConsumer({
      subscription: options.subscription,
      failover: options.type === 'Failover',
      cumulative: options.type === 'Exclusive' || options.type === 'Failover',
      ackTimeoutMs: options.ackTimeoutMs ?? 0,
      nackDelayMs: options.nackDelayMs ?? 60_000,
      maxUnsettled: options.maxUnsettled ?? 50_000,
      backlog: topic => this.backlog(topic),
      onClose: () => {
        clearTimeout(this.timer)
        onClose(this.consumer)
      },
    })
  }

  async first(): Promise<void> {
    for (const topic of await this.topics()) await this.join(topic, this.options.initialPosition ?? 'Latest')
    this.again()
  }

  private again(): void {
    const ms = this.matches === undefined ? LOOK_MS : (this.context.defaults.patternIntervalMs ?? 5_000)
    this.timer = setTimeout(() => {
      this.later().catch((error: unknown) => this.context.report(error))
    }, ms).unref()
  }

  private async later(): Promise<void> {
    try {
      await this.watchSchemas()
      // A topic or partition that was made while we listen is ours from its first message on.
      for (const topic of await this.topics()) await this.join(topic, 'Earliest')
    } finally {
      if (!this.consumer.isClosed) this.again()
    }
  }

  /** A topic may get its schema with its first message. */
  private async watchSchemas(): Promise<void> {
    for (const part of this.consumer.all) {
      if (part.schema !== undefined) continue
      const schema = await this.context.pulsar.schemas.latest(part.partitionTopic)
      try {
        part.schema = readingSchema(part.topic, schema)
      } catch (error) {
        this.consumer.fail(error as Error)
      }
    }
  }

  private async topics(): Promise<readonly string[]> {
    const { topics, topicsPattern } = this.options
    if (this.matches === undefined) return (topics ?? []).map(fullTopicName)
    const names = await this.context.pulsar.topics.list(topicsPattern)
    return names.filter(this.matches)
  }

  private async join(topic: string, from: 'Earliest' | 'Latest'): Promise<void> {
    const { partition } = splitPartition(topic)
    const names = partition >= 0 ? [topic] : await this.partitionsOf(topic)
    for (const partitionTopic of names) {
      if (this.consumer.isClosed || this.options.signal?.aborted) throw closedError(`the consumer of ${topic}`)
      if (!this.consumer.has(partitionTopic)) {
        await this.open(partition >= 0 ? splitPartition(topic).topic : topic, partitionTopic, from, names.length)
      }
    }
  }

  private async partitionsOf(topic: string): Promise<readonly string[]> {
    try {
      return await this.context.client.getPartitionsForTopic(topic)
    } catch (error) {
      throw namedError(error, { action: `asking for the partitions of ${topic}` })
    }
  }

  private async open(topic: string, partitionTopic: string, from: 'Earliest' | 'Latest', count: number): Promise<void> {
    const { addon, client, pulsar, defaults } = this.context
    const { subscription, type, name, properties, maxUnsettled = 50_000 } = this.options
    const parts = Math.max(count, this.consumer.all.length + 1)
    const messages = Math.min(defaults.receiverQueueMessages ?? DEFAULT_QUEUE_MESSAGES, maxUnsettled)
    const queue = Math.max(1, Math.ceil(messages / 2 / parts))
    const schema = readingSchema(topic, await pulsar.schemas.latest(partitionTopic))
    const action = `cannot subscribe ${subscription} to ${partitionTopic}`
    const reopen = (): Promise<AddonConsumer> =>
      client
        .subscribe({
          topic: partitionTopic,
          subscription,
          subscriptionType: TYPES[type],
          subscriptionInitialPosition: from,
          // Delays are kept here; this is as soon as the addon can.
          nAckRedeliverTimeoutMs: 1,
          receiverQueueSize: queue,
          batchIndexAckEnabled: true,
          batchReceivePolicy: BATCH,
          ...(name === undefined ? {} : { consumerName: name }),
          ...(properties === undefined ? {} : { properties: { ...properties } }),
        })
        .catch((error: unknown) => {
          throw namedError(error, { action })
        })
    const part = new Part(addon, await reopen(), {
      reopen,
      topic,
      partitionTopic,
      partition: Math.max(0, splitPartition(partitionTopic).partition),
      subscription,
      schema,
      ordered: type === 'Exclusive' || type === 'Failover',
      maxQueuedMessages: queue,
      maxQueuedBytes: Math.max(1, Math.ceil((defaults.receiverQueueBytes ?? DEFAULT_QUEUE_BYTES) / parts)),
      wake: this.consumer.wake,
    })
    if (this.consumer.isClosed) await part.close()
    else this.consumer.add(part)
  }

  private async backlog(topic: string): Promise<number> {
    const { subscriptions } = await this.context.pulsar.topics.stats(topic)
    return subscriptions.find(({ name }) => name === this.options.subscription)?.backlog ?? 0
  }
}

function check({ subscription, topics, topicsPattern, maxUnsettled, priority }: ConsumerOptions): void {
  if (subscription === '') throw usageError('a subscription needs a name')
  if ((topics === undefined || topics.length === 0) === (topicsPattern === undefined)) {
    throw usageError('a consumer needs either topics or a topicsPattern')
  }
  if (maxUnsettled !== undefined && !(maxUnsettled >= 1)) {
    throw usageError(`maxUnsettled must be at least 1, got ${maxUnsettled}`)
  }
  if (priority !== undefined && priority !== 0) {
    throw unsupportedError('the addon cannot give a consumer a priority, and so cannot the native driver')
  }
}
