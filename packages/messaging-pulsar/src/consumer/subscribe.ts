import { fullTopicName } from '@pulsar-io/messaging'
import type { ClientContext } from '../context.ts'
import { closedError, usageError } from '../errors.ts'
import { topicParts } from '../topics-of.ts'
import { INITIAL_POSITIONS, SUBSCRIPTION_TYPES } from '../wire/enums.ts'
import { PulsarConsumer } from './consumer.ts'
import { DeadLetters } from './dead-letters.ts'
import type { ConsumerDefaults, PulsarConsumerOptions } from './options.ts'
import { PartitionConsumer, type PartitionConsumerSettings } from './partition-consumer.ts'
import { followPattern } from './pattern.ts'

const MIB = 1024 * 1024
const DEFAULT_QUEUE_MESSAGES = 50_000
const DEFAULT_QUEUE_BYTES = 32 * MIB

/** Subscribes to topics or to a pattern of them. Rejects with what the broker says, leaving nothing open. */
export async function subscribe(
  context: ClientContext,
  options: PulsarConsumerOptions,
  defaults: ConsumerDefaults,
  onClose: (consumer: PulsarConsumer) => void,
): Promise<PulsarConsumer> {
  check(options)
  options.signal?.throwIfAborted()
  const stops: (() => void)[] = []
  const maxUnsettled = options.maxUnsettled ?? 50_000
  const consumer: PulsarConsumer = new PulsarConsumer({
    subscription: options.subscription,
    cumulative: isOrdered(options),
    ackTimeoutMs: options.ackTimeoutMs ?? 0,
    nackDelayMs: options.nackDelayMs ?? 60_000,
    nackMultiplier: options.nackMultiplier ?? defaults.nackMultiplier ?? 1,
    nackMaxDelayMs: options.nackMaxDelayMs ?? defaults.nackMaxDelayMs ?? 600_000,
    maxUnsettled,
    deadLetters: options.deadLetterPolicy && new DeadLetters(context, options.deadLetterPolicy, options.subscription),
    report: context.report,
    onClose: () => {
      for (const stop of stops) stop()
      onClose(consumer)
    },
  })
  const joiner = new Joiner(context, options, defaults, consumer)
  try {
    for (const topic of options.topics ?? []) {
      await joiner.join(fullTopicName(topic), options.initialPosition ?? 'Latest', options.signal)
    }
    if (options.topicsPattern !== undefined) {
      const intervalMs = options.patternIntervalMs ?? defaults.patternIntervalMs ?? 60_000
      stops.push(
        await followPattern({ context, pattern: options.topicsPattern, intervalMs, consumer, joiner, options }),
      )
    }
    return consumer
  } catch (error) {
    await consumer.close()
    throw error
  }
}

/** Adds topics to a consumer. */
export class Joiner {
  private readonly context: ClientContext
  private readonly options: PulsarConsumerOptions
  private readonly defaults: ConsumerDefaults
  private readonly consumer: PulsarConsumer

  constructor(
    context: ClientContext,
    options: PulsarConsumerOptions,
    defaults: ConsumerDefaults,
    consumer: PulsarConsumer,
  ) {
    this.context = context
    this.options = options
    this.defaults = defaults
    this.consumer = consumer
  }

  /** Joins all partitions of a topic that are not joined yet. */
  async join(topic: string, from: 'Earliest' | 'Latest', signal: AbortSignal | undefined): Promise<void> {
    const { parts } = await topicParts(this.context, topic, true)
    const missing = parts.filter(part => !this.consumer.has(part.topic))
    const opened = await Promise.allSettled(
      missing.map(async part => {
        const partition = new PartitionConsumer(this.settings(topic, part.topic, part.partition, from))
        try {
          await partition.open(signal)
        } catch (error) {
          await partition.close(closedError(`the consumer of ${part.topic}`))
          throw error
        }
        this.consumer.addPartition(partition)
      }),
    )
    this.share()
    for (const result of opened) if (result.status === 'rejected') throw result.reason
  }

  /** Divides what may be sent ahead among the partitions. */
  private share(): void {
    const { all } = this.consumer
    for (const partition of all) partition.limits = this.limits(all.length)
  }

  private limits(partitions: number): { readonly messages: number; readonly bytes: number } {
    const messages = this.options.receiverQueueMessages ?? this.defaults.receiverQueueMessages ?? DEFAULT_QUEUE_MESSAGES
    const bytes = this.options.receiverQueueBytes ?? this.defaults.receiverQueueBytes ?? DEFAULT_QUEUE_BYTES
    const count = Math.max(1, partitions)
    return { messages: Math.max(1, Math.ceil(messages / count)), bytes: Math.max(1, Math.ceil(bytes / count)) }
  }

  private settings(
    topic: string,
    partitionTopic: string,
    partition: number,
    from: 'Earliest' | 'Latest',
  ): PartitionConsumerSettings {
    const { options, consumer } = this
    const base = topic === partitionTopic ? topic.replace(/-partition-\d+$/, '') : topic
    return {
      context: this.context,
      topic: partitionTopic,
      source: { topic: base, partitionTopic, partition, subscription: options.subscription },
      subscription: options.subscription,
      ordered: isOrdered(options),
      failover: options.type === 'Failover',
      limits: this.limits(this.consumer.all.length + 1),
      start: undefined,
      ...consumer.events,
      subscribe: {
        subType: SUBSCRIPTION_TYPES[options.type],
        initialPosition: INITIAL_POSITIONS[from],
        priorityLevel: options.priority ?? 0,
        durable: true,
        readCompacted: options.readCompacted ?? false,
        replicateSubscriptionState: options.replicateSubscriptionState ?? false,
        metadata: pairs(options.properties),
        subscriptionProperties: pairs(options.subscriptionProperties),
        ...(options.name === undefined ? {} : { consumerName: options.name }),
        ...(options.type === 'Key_Shared' ? { keySharedMeta: keyShared(options) } : {}),
      },
    }
  }
}

function isOrdered({ type }: PulsarConsumerOptions): boolean {
  return type === 'Exclusive' || type === 'Failover'
}

function pairs(properties: { readonly [name: string]: string } | undefined): { key: string; value: string }[] {
  return Object.entries(properties ?? {}).map(([key, value]) => ({ key, value }))
}

function keyShared(options: PulsarConsumerOptions) {
  const { stickyHashRanges, allowOutOfOrderDelivery } = options
  return {
    keySharedMode: stickyHashRanges === undefined ? 0 : 1,
    hashRanges: stickyHashRanges ?? [],
    allowOutOfOrderDelivery: allowOutOfOrderDelivery ?? false,
  }
}

function check({
  subscription,
  topics,
  topicsPattern,
  maxUnsettled,
  readCompacted,
  deadLetterPolicy,
  type,
}: PulsarConsumerOptions): void {
  if (subscription === '') throw usageError('a subscription needs a name')
  if ((topics === undefined || topics.length === 0) === (topicsPattern === undefined)) {
    throw usageError('a consumer needs either topics or a topicsPattern')
  }
  if (maxUnsettled !== undefined && !(maxUnsettled >= 1)) {
    throw usageError(`maxUnsettled must be at least 1, got ${maxUnsettled}`)
  }
  if (readCompacted && type !== 'Exclusive' && type !== 'Failover') {
    throw usageError(`readCompacted is for Exclusive and Failover, not for ${type}`)
  }
  if (deadLetterPolicy === undefined) return
  if (type !== 'Shared' && type !== 'Key_Shared') {
    // Nobody counts how often the others hand a message out.
    throw usageError(`deadLetterPolicy is for Shared and Key_Shared, not for ${type}`)
  }
  if (!(deadLetterPolicy.maxRedeliverCount >= 1)) {
    throw usageError(`maxRedeliverCount must be at least 1, got ${deadLetterPolicy.maxRedeliverCount}`)
  }
}
