import type { ConsumerOptions } from '@pulsar-io/messaging'

/** What consumers do unless told otherwise. */
export interface ConsumerDefaults {
  /** Messages that the broker may send ahead, over all partitions. Default 50000. */
  readonly receiverQueueMessages?: number | undefined
  /** Bytes that the broker may send ahead, over all partitions; more by what one entry holds. Default 32 MiB. */
  readonly receiverQueueBytes?: number | undefined
  /** Milliseconds between looks for topics of a pattern, besides what the broker tells. Default 60000. */
  readonly patternIntervalMs?: number | undefined
  /** From one delivery of a message to the next, its delay is multiplied by this. Default 1. */
  readonly nackMultiplier?: number | undefined
  /** What the delay does not grow beyond. Default 600000. */
  readonly nackMaxDelayMs?: number | undefined
}

/** When a message that is handed out again and again goes to another topic. For Shared and Key_Shared. */
export interface DeadLetterPolicy {
  /** How often a message is handed out again before it goes there; at least 1. */
  readonly maxRedeliverCount: number
  /** Default: `TOPIC-SUBSCRIPTION-DLQ`, for each topic its own. */
  readonly topic?: string | undefined
  /** A subscription that is made together with the topic, so that the broker keeps what comes. */
  readonly initialSubscription?: string | undefined
}

/** What a consumer of Pulsar is made of. */
export interface PulsarConsumerOptions extends ConsumerOptions, ConsumerDefaults {
  /** Default: a message is handed out again for ever. */
  readonly deadLetterPolicy?: DeadLetterPolicy | undefined
  /** Only the last message of each key, where the topic is compacted. For Exclusive and Failover. Default false. */
  readonly readCompacted?: boolean | undefined
  /** Whether the place of the subscription is kept in step over replicated clusters. Default false. */
  readonly replicateSubscriptionState?: boolean | undefined
  /** Key_Shared: hash ranges (0 to 65535) that this consumer takes; default: the broker divides them. */
  readonly stickyHashRanges?: readonly { readonly start: number; readonly end: number }[] | undefined
  /** Key_Shared: messages of a key may overtake each other when consumers come and go. Default false. */
  readonly allowOutOfOrderDelivery?: boolean | undefined
  /** Kept with the subscription when it is made. */
  readonly subscriptionProperties?: { readonly [name: string]: string } | undefined
}
