import type { Position, Properties, SchemaInfo } from '@pulsar-io/sdk'

/** A message as it comes out of a topic. */
export interface Message {
  /** Full name of the topic, without the partition suffix. */
  readonly topic: string
  /** 0 for a topic without partitions. */
  readonly partition: number
  readonly position: Position
  readonly key: string | undefined
  /** `key` is the base64 of a key that is bytes. */
  readonly keyIsBase64?: boolean | undefined
  /** Decides the order and, for Key_Shared, the consumer, instead of `key`. */
  readonly orderingKey: string | undefined
  /** null is a tombstone. Valid until the message is settled; copy what outlives it. */
  readonly payload: Uint8Array | null
  /** Bytes of the payload; cheaper to ask for than the payload itself. */
  readonly size: number
  readonly properties: Properties
  /** Milliseconds since 1970; undefined where the producer stated none. */
  readonly eventTime: number | undefined
  /** Milliseconds since 1970. */
  readonly publishTime: number
  readonly producerName: string
  /** -1n where the driver cannot tell. */
  readonly sequenceId: bigint
  readonly redeliveryCount: number
  /** The schema that the message was written with; undefined where the topic has none. */
  readonly schema: SchemaInfo | undefined
}

/** A message on its way into a topic. */
export interface OutgoingMessage {
  /** null is a tombstone. */
  readonly payload: Uint8Array | null
  readonly key?: string | undefined
  /** `key` is the base64 of a key that is bytes. */
  readonly keyIsBase64?: boolean | undefined
  readonly orderingKey?: string | undefined
  readonly properties?: Properties | undefined
  /** Milliseconds since 1970. */
  readonly eventTime?: number | undefined
  /** Must grow from message to message; the producer counts by itself where it is absent. Mixing both in one producer is refused. */
  readonly sequenceId?: bigint | undefined
}
