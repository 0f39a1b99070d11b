import type { BatchingOptions, CompressionType, ProducerOptions } from '@pulsar-io/messaging'

/** Which partition a message without a key goes to. */
export type RoutingMode = 'RoundRobin' | 'Single'

/** How the hash of a key is made; all producers of a topic have to agree. */
export type HashingScheme = 'JavaStringHash' | 'Murmur3_32Hash'

/** What producers do unless told otherwise. */
export interface ProducerDefaults {
  readonly batching?: BatchingOptions | undefined
  /** Default NONE. */
  readonly compression?: CompressionType | undefined
  /** Splits messages that are larger than the broker takes. Default true. */
  readonly chunking?: boolean | undefined
  /** Milliseconds until `send` rejects because nothing was confirmed; 0: never. Default 30000. */
  readonly sendTimeoutMs?: number | undefined
  /** Messages of one partition on their way, at most. Default 50000. */
  readonly maxPendingMessages?: number | undefined
  /** Bytes of one partition on their way, at most. Default 64 MiB. */
  readonly maxPendingBytes?: number | undefined
  /** What `send` does when so much is on its way: wait (default), or reject with `PIO_PULSAR_QUEUE_FULL`. */
  readonly whenFull?: 'wait' | 'reject' | undefined
  /** Default RoundRobin. */
  readonly routing?: RoutingMode | undefined
  /** Which partition `Single` stands for, counted round where there are fewer. Default: any. */
  readonly singlePartition?: number | undefined
  /** Default JavaStringHash, as in Java. */
  readonly hashing?: HashingScheme | undefined
}

/** What a producer of Pulsar is made of. */
export interface PulsarProducerOptions extends ProducerOptions, ProducerDefaults {
  /** A subscription that the broker makes together with the topic. */
  readonly initialSubscription?: string | undefined
}

/** Everything decided. */
export interface ResolvedProducerOptions {
  readonly maxMessages: number
  readonly maxBytes: number
  readonly maxDelayMs: number
  readonly byKey: boolean
  readonly grouped: boolean
  readonly compression: CompressionType
  readonly chunking: boolean
  readonly sendTimeoutMs: number
  readonly maxPendingMessages: number
  readonly maxPendingBytes: number
  readonly whenFull: 'wait' | 'reject'
  readonly routing: RoutingMode
  readonly singlePartition: number | undefined
  readonly hashing: HashingScheme
}

const MIB = 1024 * 1024

/** Fills in what was left out, from the client's defaults first. */
export function resolveProducerOptions(options: ProducerDefaults, defaults: ProducerDefaults): ResolvedProducerOptions {
  const batching = { ...defaults.batching, ...options.batching }
  const enabled = batching.enabled ?? true
  return {
    maxMessages: enabled ? (batching.maxMessages ?? 1000) : 1,
    // With its metadata, a batch has to be smaller than the smallest limit that brokers are run with.
    maxBytes: Math.min(batching.maxBytes ?? MIB, 4 * MIB),
    maxDelayMs: batching.maxDelayMs ?? 1,
    byKey: (batching.keys ?? 'apart') !== 'mixed',
    grouped: batching.keys === 'grouped',
    compression: options.compression ?? defaults.compression ?? 'NONE',
    chunking: options.chunking ?? defaults.chunking ?? true,
    sendTimeoutMs: options.sendTimeoutMs ?? defaults.sendTimeoutMs ?? 30_000,
    maxPendingMessages: options.maxPendingMessages ?? defaults.maxPendingMessages ?? 50_000,
    maxPendingBytes: options.maxPendingBytes ?? defaults.maxPendingBytes ?? 64 * MIB,
    whenFull: options.whenFull ?? defaults.whenFull ?? 'wait',
    routing: options.routing ?? defaults.routing ?? 'RoundRobin',
    singlePartition: options.singlePartition ?? defaults.singlePartition,
    hashing: options.hashing ?? defaults.hashing ?? 'JavaStringHash',
  }
}
