import type { Message } from '@pulsar-io/messaging'
import type { Position, Properties, SchemaInfo } from '@pulsar-io/sdk'
import { ByteReader } from '../wire/byte-reader.ts'
import { readSingleMetadata, type SingleMetadata } from '../wire/metadata.ts'
import type { Delivery } from './delivery.ts'

/** A message that reads itself out of its entry when it is asked. */
export class PulsarMessage implements Message {
  readonly delivery: Delivery
  readonly batchIndex: number
  /** How often a consumer that redelivers by itself handed it out again. */
  readonly again: number
  private readonly metadataStart: number
  private readonly payloadStart: number
  /** -1: a tombstone. */
  private readonly payloadEnd: number
  private place: Position | undefined
  private own: SingleMetadata | undefined

  constructor(
    delivery: Delivery,
    batchIndex: number,
    metadataStart: number,
    payloadStart: number,
    payloadEnd: number,
    again = 0,
  ) {
    this.delivery = delivery
    this.batchIndex = batchIndex
    this.metadataStart = metadataStart
    this.payloadStart = payloadStart
    this.payloadEnd = payloadEnd
    this.again = again
  }

  /** The same message, handed out once more. */
  repeat(): PulsarMessage {
    const { delivery, batchIndex, metadataStart, payloadStart, payloadEnd, again } = this
    return new PulsarMessage(delivery, batchIndex, metadataStart, payloadStart, payloadEnd, again + 1)
  }

  /** Index among the states of the entry. */
  get index(): number {
    return Math.max(0, this.batchIndex)
  }

  get topic(): string {
    return this.delivery.source.topic
  }

  get partition(): number {
    return this.delivery.source.partition
  }

  get position(): Position {
    const { state } = this.delivery
    this.place ??= { ledgerId: state.ledgerId, entryId: state.entryId, batchIndex: this.batchIndex }
    return this.place
  }

  get key(): string | undefined {
    return this.metadata.key
  }

  get keyIsBase64(): boolean | undefined {
    return this.metadata.keyIsBase64 || undefined
  }

  get orderingKey(): string | undefined {
    return this.metadata.orderingKey
  }

  get payload(): Uint8Array | null {
    return this.payloadEnd < 0 ? null : this.delivery.buffer.subarray(this.payloadStart, this.payloadEnd)
  }

  get size(): number {
    return this.payloadEnd < 0 ? 0 : this.payloadEnd - this.payloadStart
  }

  get properties(): Properties {
    return this.metadata.properties
  }

  get eventTime(): number | undefined {
    return this.metadata.eventTime || undefined
  }

  get publishTime(): number {
    return this.delivery.metadata.publishTime
  }

  get producerName(): string {
    return this.delivery.metadata.producerName
  }

  get sequenceId(): bigint {
    return this.metadata.sequenceId ?? this.delivery.metadata.sequenceId
  }

  get redeliveryCount(): number {
    return this.delivery.redeliveryCount + this.again
  }

  get schema(): SchemaInfo | undefined {
    return this.delivery.schema
  }

  /** The entry's metadata, for a message that has the entry for itself; else its own. */
  private get metadata(): SingleMetadata {
    if (this.metadataStart < 0) return this.delivery.metadata
    this.own ??= readSingleMetadata(new ByteReader(this.delivery.buffer, this.metadataStart, this.payloadStart))
    return this.own
  }
}
