import type { InitialPosition, ProducerOptions } from '@pulsar-io/messaging'
import type { BatchPolicy, ProcessingGuarantee, SchemaInfo, SubscriptionType } from '@pulsar-io/sdk'
import type { ResolvedArchive } from '../archive/index.ts'
import type { LeaseStart } from '../lease.ts'
import type { LogLevel } from '../log.ts'
import type { MessagingAddress } from '../messaging.ts'
import type { TransformConfig } from '../transform/index.ts'

/** Everything that one instance has to know, as plain data, so that it crosses threads and processes. */
export type InstanceSpec = SinkInstanceSpec | SourceInstanceSpec

/** What instances of both kinds have to know. */
export interface InstanceSpecBase {
  readonly tenant: string
  readonly namespace: string
  readonly name: string
  /** `tenant/namespace/name`. */
  readonly fqn: string
  readonly instanceId: number
  readonly numInstances: number
  readonly guarantee: ProcessingGuarantee
  readonly archive: ResolvedArchive
  /** The connector's own options with their placeholders; secrets are filled in where the instance runs. */
  readonly config: unknown
  readonly secrets: { readonly [name: string]: unknown } | undefined
  /** What happens to each record between topic and connector; with placeholders, as `config`. */
  readonly transforms: readonly TransformConfig[]
  readonly messaging: MessagingAddress
  readonly logLevel: LogLevel
  readonly logTopic: string | undefined
  /** Until when it may write; undefined: nobody else can have it. */
  readonly lease?: LeaseStart
  /** Bytes of heap at most, where the isolation can hold it to that. */
  readonly memoryLimit: number | undefined
  /** Cores that it asks for; undefined for a whole one. */
  readonly cores: number | undefined
  /** Milliseconds that it may have work and do nothing; 0: for ever; undefined: what its host holds for all. */
  readonly stuckAfterMs: number | undefined
}

/** One instance of a sink. */
export interface SinkInstanceSpec extends InstanceSpecBase {
  readonly kind: 'sink'
  readonly inputs: readonly string[]
  readonly topicsPattern: string | undefined
  /** Full topic name → schema to decode with where the topic has none. */
  readonly inputSchemas: { readonly [topic: string]: SchemaInfo }
  readonly subscription: string
  readonly subscriptionType: SubscriptionType
  readonly initialPosition: InitialPosition
  /** Order is kept through retries. */
  readonly ordered: boolean
  readonly ackTimeoutMs: number
  readonly nackDelayMs: number | undefined
  /** Retries before a record with a passing error becomes a dead letter; undefined: for ever. */
  readonly maxRetries: number | undefined
  readonly deadLetterTopic: string | undefined
  readonly maxUnsettled: number | undefined
  readonly batch: Partial<BatchPolicy>
}

/** One instance of a source. */
export interface SourceInstanceSpec extends InstanceSpecBase {
  readonly kind: 'source'
  readonly destinationTopic: string
  /** Overrules the schema that the source declares. */
  readonly schema: SchemaInfo | undefined
  /** Records on their way to the topic, at most. */
  readonly maxPending: number
  readonly packing: Packing
  /** Batch sources: milliseconds between looks for tasks; undefined: look once. */
  readonly discoverEveryMs: number | undefined
}

/** How records share entries of the topic, and whether those are compressed. */
export type Packing = Pick<ProducerOptions, 'batching' | 'compression'>
