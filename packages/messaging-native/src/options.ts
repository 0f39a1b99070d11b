import type { BatchingOptions, CompressionType } from '@pulsar-io/messaging'
import type { PulsarOptions } from '@pulsar-io/messaging-pulsar'
import type { Logger } from '@pulsar-io/sdk'
import type { Addon } from './addon.ts'

/** How a cluster is reached through the addon. */
export interface NativeOptions
  extends Pick<PulsarOptions, 'adminUrl' | 'authentication' | 'connectTimeoutMs' | 'operationTimeoutMs'> {
  /** `pulsar://host:6650` or `pulsar+ssl://host:6651`; several hosts with commas. */
  readonly serviceUrl: string
  readonly tls?:
    | {
        /** PEM file of the authorities to trust. Default: those that Node comes with. */
        readonly trustCerts?: string | undefined
        /** Takes any certificate of the server. Default false. */
        readonly allowInsecure?: boolean | undefined
        /** Whether the certificate has to name the host. Default true, other than in the addon. */
        readonly verifyHostname?: boolean | undefined
      }
    | undefined
  readonly listenerName?: string | undefined
  readonly producer?: NativeProducerDefaults | undefined
  readonly consumer?: NativeConsumerDefaults | undefined
  readonly logger?: Logger | undefined
  /** The `pulsar-client` module, where it is not to be found by its name. */
  readonly addon?: Addon | undefined
}

/** What producers do. */
export interface NativeProducerDefaults {
  /**
   * How messages share entries; only with `keys: 'mixed'`, otherwise each has its own. The addon either mixes keys, or
   * sorts by them, which changes the order and, with deduplication, loses what it sorted behind.
   */
  readonly batching?: BatchingOptions | undefined
  /** Default NONE. */
  readonly compression?: CompressionType | undefined
  /** Milliseconds until `send` rejects because nothing was confirmed. Default 30000. */
  readonly sendTimeoutMs?: number | undefined
  /** Messages on their way, at most. Default 5000. */
  readonly maxPendingMessages?: number | undefined
  /** Bytes on their way, at most; a single larger message still goes. Default 64 MiB. */
  readonly maxPendingBytes?: number | undefined
}

/** What consumers do. */
export interface NativeConsumerDefaults {
  /** Messages that are received ahead, over all partitions. Default 2000. */
  readonly receiverQueueMessages?: number | undefined
  /** Bytes that are received ahead beside the queue of the addon. Default 32 MiB. */
  readonly receiverQueueBytes?: number | undefined
  /** Milliseconds between looks for new topics of a pattern. Default 5000. */
  readonly patternIntervalMs?: number | undefined
}
