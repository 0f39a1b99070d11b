import type { Message } from '@pulsar-io/messaging'
import type { Position, Properties, Record, SchemaInfo } from '@pulsar-io/sdk'

/** A message on its way through a sink task. The fields of the record are read from the message where they are asked for. */
export class TaskRecord implements Record {
  readonly message: Message
  readonly value: unknown
  /** Writes that failed with a passing error. */
  attempts = 0
  /** Set for a sink that settles its records itself. */
  onSettled: ((record: TaskRecord, error: Error | undefined) => void) | undefined

  constructor(message: Message, value: unknown) {
    this.message = message
    this.value = value
  }

  get topic(): string {
    return this.message.topic
  }
  get partition(): number {
    return this.message.partition
  }
  get key(): string | undefined {
    return this.message.key
  }
  get schema(): SchemaInfo | undefined {
    return this.message.schema
  }
  get eventTime(): number | undefined {
    return this.message.eventTime
  }
  get publishTime(): number {
    return this.message.publishTime
  }
  get properties(): Properties {
    return this.message.properties
  }
  get position(): Position {
    return this.message.position
  }
  get redeliveryCount(): number {
    return this.message.redeliveryCount
  }

  ack(): void {
    this.onSettled?.(this, undefined)
  }

  fail(error: Error): void {
    this.onSettled?.(this, error)
  }
}

/** Names a topic partition in maps. */
export function partitionKey(place: { readonly topic: string; readonly partition: number }): string {
  return `${place.topic}#${place.partition}`
}
