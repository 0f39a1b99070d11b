import type { Message } from '@pulsar-io/messaging'
import type { Position, Properties, SchemaInfo } from '@pulsar-io/sdk'
import type { AddonMessage } from './addon.ts'
import { parseMessageId } from './message-id.ts'
import type { Part } from './part.ts'

/**
 * `out`: handed out and not settled. `refused`: will be handed out again. `settled`: acknowledged, handed out again, or
 * forgotten by a seek.
 */
export type MessageState = 'queued' | 'out' | 'refused' | 'settled'

/** A message of the addon; what is rarely asked for is fetched when it is. */
export class NativeMessage implements Message {
  readonly topic: string
  readonly partition: number
  readonly position: Position
  readonly payload: Uint8Array
  readonly size: number
  readonly schema: SchemaInfo | undefined
  readonly redeliveryCount: number
  /** The addon does not tell. */
  readonly sequenceId = -1n
  readonly part: Part
  readonly handle: AddonMessage
  state: MessageState = 'queued'
  private propertiesOnce: Properties | undefined

  /** `refused`: how often it was handed out again without the broker knowing. */
  constructor(part: Part, handle: AddonMessage, again?: NativeMessage) {
    this.part = part
    this.handle = handle
    this.topic = part.topic
    this.partition = part.partition
    this.schema = part.schema
    this.position = again?.position ?? parseMessageId(handle.getMessageId().serialize()).position
    this.payload = again?.payload ?? handle.getData()
    this.size = this.payload.length
    this.redeliveryCount = again === undefined ? handle.getRedeliveryCount() : again.redeliveryCount + 1
  }

  get key(): string | undefined {
    return this.handle.getPartitionKey() || undefined
  }

  get orderingKey(): string | undefined {
    return this.handle.getOrderingKey() || undefined
  }

  get properties(): Properties {
    // The addon gives an array with the names as its keys.
    this.propertiesOnce ??= Object.fromEntries(Object.entries(this.handle.getProperties()))
    return this.propertiesOnce
  }

  get eventTime(): number | undefined {
    return this.handle.getEventTimestamp() || undefined
  }

  get publishTime(): number {
    return this.handle.getPublishTimestamp()
  }

  get producerName(): string {
    return this.handle.getProducerName()
  }
}
