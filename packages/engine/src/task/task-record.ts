import type { Message } from '@pulsar-io/messaging'
import type { Position, Properties, Record, SchemaInfo } from '@pulsar-io/sdk'
import { stringifyJson } from '@pulsar-io/sdk/core'

/** A message on its way through a sink task. The fields of the record are read from the message where they are asked for. */
export class TaskRecord implements Record {
  readonly message: Message
  /** Replaced by a transform; a dead letter carries the bytes of the message. */
  value: unknown
  /** Only of a KEY_VALUE record. */
  keyValue: unknown
  readonly #isKeyValue: boolean
  /** What a transform made of the key. */
  #changedKey: { readonly text: string | undefined } | undefined
  /** Writes that failed with a passing error. */
  attempts = 0
  /** Set for a sink that settles its records itself. */
  onSettled: ((record: TaskRecord, error: Error | undefined) => void) | undefined

  constructor(message: Message, value: unknown, keyValue?: { readonly key: unknown }) {
    this.message = message
    this.value = value
    this.#isKeyValue = keyValue !== undefined
    this.keyValue = keyValue?.key
  }

  get topic(): string {
    return this.message.topic
  }
  get partition(): number {
    return this.message.partition
  }
  get key(): string | undefined {
    if (this.#changedKey !== undefined) return this.#changedKey.text
    return this.#isKeyValue ? keyText(this.keyValue) : this.message.key
  }
  set key(text: string | undefined) {
    this.#changedKey = { text }
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

/** A key as text: what a sink makes an id of. */
function keyText(key: unknown): string | undefined {
  if (key === null || key === undefined) return undefined
  if (typeof key === 'string') return key
  const text = stringifyJson(key)
  // Text in quotes is a date or bytes.
  return text.startsWith('"') ? (JSON.parse(text) as string) : text
}
