import type { Position } from './position.ts'
import type { SchemaInfo } from './schema-info.ts'

/** String pairs that travel with a record. */
export type Properties = { readonly [name: string]: string }

/** A record on its way from a topic into a sink. */
export interface Record<V = unknown> {
  /** Fully qualified name of the topic, without the partition suffix. */
  readonly topic: string
  /** Partition of the topic; 0 for a topic without partitions. */
  readonly partition: number
  /** The key as text. Of a KEY_VALUE record: its key, a structured one as JSON. */
  readonly key: string | undefined
  /** Of a KEY_VALUE record: the key as its schema describes it. */
  readonly keyValue?: unknown
  /** The decoded value; null is a tombstone. Bytes where the topic has no schema. */
  readonly value: V | null
  /** How the value was written; undefined where the topic has no schema. */
  readonly schema: SchemaInfo | undefined
  /** Milliseconds since 1970 as the producer stated them. */
  readonly eventTime: number | undefined
  /** Milliseconds since 1970 when the message was published. */
  readonly publishTime: number
  readonly properties: Properties
  readonly position: Position
  /** How often this record was handed out before. */
  readonly redeliveryCount: number
  /**
   * Settles the record. Only for a sink that declares `settles: 'record'`, because its backend confirms after
   * `write` returned; everywhere else the runtime settles by the outcome of `write`.
   */
  ack(): void
  /** The opposite of {@link Record.ack}: the error's retry meaning decides what happens to the record. */
  fail(error: Error): void
}

/** A JSON value that a source wants back at `open` to go on where it stopped. */
export type Offset = { readonly [name: string]: unknown }

/** A record on its way from a source into a topic. */
export interface SourceRecord<V = unknown> {
  /** null is a tombstone. */
  readonly value: V | null
  readonly key?: string | undefined
  /** For a KEY_VALUE schema: the key as that schema describes it; default `key`. */
  readonly keyValue?: unknown
  readonly properties?: Properties | undefined
  /** Milliseconds since 1970. */
  readonly eventTime?: number | undefined
  /** Another topic than the configured one. */
  readonly destinationTopic?: string | undefined
  /** The place that `sequence` and `offset` count in, for example a file or a Kafka partition. */
  readonly partitionId?: string | undefined
  /** Grows with each record of a partition; gaps are fine. EFFECTIVELY_ONCE needs it. */
  readonly sequence?: bigint | undefined
  /** Stored durably once the record is published, and handed back at `open`. */
  readonly offset?: Offset | undefined
  /** Called once the record is durable in the topic: acknowledge the external side here. */
  ack?(): void | Promise<void>
  /** Called when the record could not be published. */
  fail?(error: Error): void | Promise<void>
}
