import type { Message } from '@pulsar-io/messaging'
import type { Position, Properties, SchemaInfo } from '@pulsar-io/sdk'
import type { Entry } from './entry.ts'
import type { TopicLog } from './topic-log.ts'

/** What a message was handed out under; acknowledgements go back to it. */
export interface Delivery {
  readonly log: TopicLog
}

/** A view of one message of an entry: everything is decoded when it is asked for. */
export class EmbeddedMessage implements Message {
  readonly delivery: Delivery
  readonly redeliveryCount: number
  private readonly entry: Entry
  private readonly index: number

  constructor(delivery: Delivery, entry: Entry, index: number, redeliveryCount: number) {
    this.delivery = delivery
    this.entry = entry
    this.index = index
    this.redeliveryCount = redeliveryCount
  }

  get ordinal(): number {
    return this.entry.base + this.index
  }

  get topic(): string {
    return this.delivery.log.record.topic
  }

  get partition(): number {
    return this.delivery.log.record.partition
  }

  get position(): Position {
    const { entry } = this
    return {
      ledgerId: this.delivery.log.ledger,
      entryId: entry.id,
      batchIndex: entry.single ? -1 : this.index,
    }
  }

  get key(): string | undefined {
    return this.entry.key(this.index)
  }

  get keyIsBase64(): boolean {
    return this.entry.keyIsBase64(this.index)
  }

  get orderingKey(): string | undefined {
    return this.entry.orderingKey(this.index)
  }

  get payload(): Uint8Array | null {
    return this.entry.payload(this.index)
  }

  get size(): number {
    return this.entry.payloadSize(this.index)
  }

  get properties(): Properties {
    return this.entry.properties(this.index)
  }

  get eventTime(): number | undefined {
    return this.entry.eventTime(this.index)
  }

  get publishTime(): number {
    return this.entry.publishTime
  }

  get producerName(): string {
    return this.entry.producer
  }

  get sequenceId(): bigint {
    return this.entry.sequence(this.index)
  }

  get schema(): SchemaInfo | undefined {
    return this.delivery.log.schema(this.entry.schema)
  }
}
