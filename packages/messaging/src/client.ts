import type { Position, Properties, SchemaInfo, SubscriptionType } from '@pulsar-io/sdk'
import type { Message, OutgoingMessage } from './message.ts'

/** What a driver can do, as data; the conformance suite reports what it leaves out. */
export interface Capabilities {
  /** Topics with several partitions. */
  readonly partitions: boolean
  /** `Producer.lastSequenceId` tells what the broker remembers of an earlier producer of that name. */
  readonly lastSequenceId: boolean
  /** The broker drops a message whose sequence id it has already seen from that producer name. */
  readonly deduplication: boolean
  readonly seekByTime: boolean
  readonly nackDelay: boolean
  readonly transactions: boolean
  /** `consumer.seek` and acks survive as soon as their promise resolves. */
  readonly durableAcks: boolean
  /** A message without a value is told from one with an empty value; otherwise publishing one is refused. */
  readonly tombstones: boolean
  /** Keys may be bytes; otherwise publishing one is refused, and a received one looks like text. */
  readonly byteKeys: boolean
  /** Each message says with which version of its topic's schema it was written. */
  readonly messageSchemas: boolean
  /** A received message has its sequence id; otherwise -1n. */
  readonly messageSequenceIds: boolean
  /** Failover consumers have priorities and know who is the active one; otherwise asking is refused. */
  readonly activeConsumer: boolean
}

/** A connection to a messaging system. */
export interface MessagingClient {
  readonly capabilities: Capabilities
  readonly topics: Topics
  createProducer(options: ProducerOptions): Promise<Producer>
  subscribe(options: ConsumerOptions): Promise<Consumer>
  createReader(options: ReaderOptions): Promise<Reader>
  /** Opens a small durable map, made when it is not there; `name` is `tenant/namespace/name`. */
  openStore(name: string): Promise<KeyValueStore>
  /** Closes everything that was opened through this client. May be called twice. */
  close(): Promise<void>
}

/** How a producer holds its topic. */
export type ProducerAccess = 'Shared' | 'Exclusive' | 'WaitForExclusive' | 'ExclusiveWithFencing'

/** How messages are compressed on their way and in the topic. */
export type CompressionType = 'NONE' | 'LZ4' | 'ZLIB' | 'ZSTD' | 'SNAPPY'

/**
 * Which keys share an entry. Brokers hand out entries, and Key_Shared subscriptions go by the key of the entry.
 *
 * - `apart`: only neighbours of one key. Order is kept, and Key_Shared works. Slow where keys change with each message.
 * - `grouped`: the messages of one `send` are brought together by key, which changes their order, though not that within
 *   a key. Not where sequence ids are given: those are sent as with `apart`.
 * - `mixed`: any, as Java's clients do by default. Order is kept, entries are full; not for Key_Shared subscriptions.
 */
export type KeyBatching = 'apart' | 'grouped' | 'mixed'

/** How messages share an entry of the topic. */
export interface BatchingOptions {
  /** false: each message is an entry of its own. Default true. */
  readonly enabled?: boolean | undefined
  /** Default 1000. */
  readonly maxMessages?: number | undefined
  /** Bytes before compression. Default 1 MiB. */
  readonly maxBytes?: number | undefined
  /** Milliseconds that a message may wait for others while earlier entries are on their way. Default 1. */
  readonly maxDelayMs?: number | undefined
  /** Default `apart`. */
  readonly keys?: KeyBatching | undefined
}

/** What a producer is made of. */
export interface ProducerOptions {
  /** Any spelling of a topic name. The topic is made when it is not there. */
  readonly topic: string
  /** Unique per topic; deduplication goes by it. Default: a fresh one. */
  readonly name?: string
  readonly access?: ProducerAccess
  readonly schema?: SchemaInfo
  readonly properties?: Properties
  /** A driver that stores each message by itself takes no notice. */
  readonly batching?: BatchingOptions | undefined
  /** Default NONE; a driver that does not compress takes no notice. */
  readonly compression?: CompressionType | undefined
  /** Waiting for access ends here. */
  readonly signal?: AbortSignal
}

/** Publishes into one topic. */
export interface Producer {
  readonly topic: string
  readonly name: string
  /** The last sequence id known of this producer's name, -1n when there is none. */
  readonly lastSequenceId: bigint
  /**
   * Publishes messages in their order. Resolves when all of them are durable, with the position of each; null for one
   * that was dropped as a duplicate. Calls may overlap; their order is kept. A rejection says which error hit the call;
   * then none or some of the messages are durable, and sending them again with the same sequence ids is safe.
   * Every call behind a rejected one that has not resolved rejects as well: no later message overtakes it.
   */
  send(messages: readonly OutgoingMessage[]): Promise<readonly (Position | null)[]>
  close(): Promise<void>
}

/** Where a new subscription begins. */
export type InitialPosition = 'Earliest' | 'Latest'

/** What a consumer is made of. */
export interface ConsumerOptions {
  /** Any spelling of topic names; made when they are not there. */
  readonly topics?: readonly string[]
  /** Instead of `topics`: see {@link topicPattern}. Topics made later are joined. */
  readonly topicsPattern?: string
  readonly subscription: string
  readonly type: SubscriptionType
  /** Default Latest. */
  readonly initialPosition?: InitialPosition
  readonly name?: string
  readonly properties?: Properties
  /** Failover: the lower, the more likely to be the active one. */
  readonly priority?: number
  /** Milliseconds after which an unsettled message is handed out again; 0 (default): never. */
  readonly ackTimeoutMs?: number
  /** Milliseconds between a negative acknowledgement and the next delivery. Default 60000. */
  readonly nackDelayMs?: number
  /** Messages handed out and not settled, at most. Default 50000. */
  readonly maxUnsettled?: number
  readonly signal?: AbortSignal
}

/** How much to receive at once. */
export interface ReceiveOptions {
  readonly maxMessages: number
  /** Bytes of payload; a single larger message still comes. Default 16 MiB. */
  readonly maxBytes?: number
  /** Milliseconds to wait for the first message; then an empty batch. Default: until the signal aborts. 0: do not wait. */
  readonly timeoutMs?: number
  /** Ends the wait with an empty batch, not with an error. */
  readonly signal?: AbortSignal
}

/** Receives from the topics of one subscription. */
export interface Consumer {
  readonly subscription: string
  /**
   * Resolves as soon as there is something, with what is there, in order per partition. One call at a time. Rejects
   * when the consumer is closed, and when a topic that was named or the subscription is deleted.
   */
  receive(options: ReceiveOptions): Promise<readonly Message[]>
  /**
   * Resolves when the acknowledgement is recorded. Messages may be acknowledged twice, and after a negative
   * acknowledgement; those handed out before a seek are passed over.
   */
  acknowledge(messages: readonly Message[]): Promise<void>
  /** Acknowledges everything of the message's partition up to and including it. Not for Shared and Key_Shared. */
  acknowledgeCumulative(message: Message): Promise<void>
  /**
   * Hands the messages out again after `delayMs` (default: the consumer's), with a redelivery count one higher. How
   * far counts reach (over consumers, over restarts) differs between drivers: no promise may rest on them.
   */
  negativeAcknowledge(messages: readonly Message[], delayMs?: number): void
  /** Moves the subscription; messages handed out before are forgotten. For one topic of several, name it. */
  seek(to: SeekTarget, topic?: string): Promise<void>
  /** Messages that the subscription has not acknowledged. */
  backlog(): Promise<number>
  /** Exclusive and Failover: whether this consumer is the active one now. Others: true. */
  readonly active: boolean
  /** Called when `active` changes. Returns how to stop listening. */
  onActiveChange(listener: (active: boolean) => void): () => void
  /** Deletes the subscription. */
  unsubscribe(): Promise<void>
  /** Gives unsettled messages back. May be called twice. */
  close(): Promise<void>
}

/** A place in a topic. After a seek to a position the message that stands there comes first; after one to a time, the first that was published then or later. */
export type SeekTarget = 'earliest' | 'latest' | { readonly position: Position } | { readonly time: number }

/** What a reader is made of. */
export interface ReaderOptions {
  readonly topic: string
  /** `position` starts with the message behind it, unless `inclusive`. Default earliest. */
  readonly from?: SeekTarget
  readonly inclusive?: boolean
}

/** Reads a topic without leaving a trace in it. */
export interface Reader {
  readonly topic: string
  read(options: ReceiveOptions): Promise<readonly Message[]>
  /** Whether there is a message behind the last one that was read. */
  hasNext(): Promise<boolean>
  seek(to: SeekTarget): Promise<void>
  close(): Promise<void>
}

/**
 * How long messages stay when every subscription has acknowledged them. Both bounds have to be passed before a message
 * goes; 0 and 0 is the default. What happens to messages of a topic without any subscription differs: Pulsar deletes
 * them, the embedded log keeps them.
 */
export interface Retention {
  /** Bytes; -1: no bound. */
  readonly sizeBytes: number
  /** Milliseconds; -1: no bound. */
  readonly timeMs: number
}

/** One subscription in a topic's numbers. */
export interface SubscriptionStats {
  readonly name: string
  readonly type: SubscriptionType | undefined
  readonly backlog: number
  readonly unacknowledged: number
  readonly consumers: number
  /** Everything up to here is acknowledged. */
  readonly markDelete: Position | undefined
}

/** A topic in numbers. */
export interface TopicStats {
  readonly topic: string
  readonly partitions: number
  /** Messages that are stored. */
  readonly messages: number
  /** Bytes that are stored. */
  readonly bytes: number
  readonly first: Position | undefined
  readonly last: Position | undefined
  readonly schema: SchemaInfo | undefined
  readonly producers: number
  readonly subscriptions: readonly SubscriptionStats[]
}

/** Whether repeated sequence ids are dropped. */
export type Deduplication = 'on' | 'off' | 'unknown'

/** Topics as things to look after. */
export interface Topics {
  /** Full names of all topics, or of those that match a {@link topicPattern}; a partitioned topic once. */
  list(pattern?: string): Promise<readonly string[]>
  exists(topic: string): Promise<boolean>
  /** Makes a topic; nothing happens when it is there. */
  create(topic: string, options?: { readonly partitions?: number }): Promise<void>
  /** Deletes a topic with its messages and subscriptions. */
  delete(topic: string): Promise<void>
  stats(topic: string): Promise<TopicStats>
  /** Partitions of a topic; 0 for a topic without partitions. */
  partitions(topic: string): Promise<number>
  setRetention(topic: string, retention: Retention): Promise<void>
  createSubscription(topic: string, subscription: string, from: SeekTarget): Promise<void>
  deleteSubscription(topic: string, subscription: string): Promise<void>
  /** Whether the topic drops messages whose sequence id it has seen; `unknown` where this client may not ask. */
  deduplication(topic: string): Promise<Deduplication>
  /**
   * By which rule the topic takes or refuses a new schema, as Pulsar names it, for example FULL; undefined where this
   * client may not ask. A driver whose topics take any schema leaves the method out.
   */
  schemaRule?(topic: string): Promise<string | undefined>
  /**
   * What of a namespace is not there: its tenant, or the namespace itself; undefined where both are, or where this client
   * may not ask. A driver whose topics need neither leaves the method out.
   */
  missing?(tenant: string, namespace: string): Promise<'tenant' | 'namespace' | undefined>
}

/**
 * A small durable map: source checkpoints and connector state. Every process that opens the same name sees the same
 * map. A write is durable (survives `kill -9` and power loss) when its promise resolves.
 */
export interface KeyValueStore {
  get(key: string): Promise<Uint8Array | undefined>
  /** All pairs whose key starts with `prefix`, in key order. */
  entries(prefix?: string): Promise<readonly (readonly [key: string, value: Uint8Array])[]>
  put(key: string, value: Uint8Array): Promise<void>
  /** Writes all pairs or none. */
  putAll(pairs: readonly (readonly [key: string, value: Uint8Array])[]): Promise<void>
  delete(key: string): Promise<void>
  /** Adds to a counter that starts at 0, atomically over all processes; the value is stored as decimal text. */
  increment(key: string, by: bigint): Promise<bigint>
  close(): Promise<void>
}
