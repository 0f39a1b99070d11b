import type { Message } from '@pulsar-io/messaging'
import { type Codec, codecFor } from '@pulsar-io/schema'
import type { SchemaInfo, SchemaType } from '@pulsar-io/sdk'
import { toError } from '../failure.ts'
import { TaskRecord } from './task-record.ts'

/** A record that cannot be written, and why. */
export interface Rejected {
  readonly record: TaskRecord
  readonly error: Error
}

/** Turns messages into records, each with the schema that it was written with. */
export class Decoder {
  readonly #inputSchemas: { readonly [topic: string]: SchemaType }
  /** Drivers hand out one object per schema, so a look-up by identity is enough. */
  readonly #bySchema = new Map<SchemaInfo, Codec>()
  readonly #byTopic = new Map<string, Codec>()

  /** `inputSchemas`: what to decode with where a topic has no schema. */
  constructor(inputSchemas: { readonly [topic: string]: SchemaType }) {
    this.#inputSchemas = inputSchemas
  }

  decode(messages: readonly Message[]): { records: TaskRecord[]; rejected: Rejected[] } {
    const records: TaskRecord[] = []
    const rejected: Rejected[] = []
    for (const message of messages) {
      const { payload } = message
      try {
        records.push(new TaskRecord(message, payload === null ? null : this.#codec(message).decode(payload)))
      } catch (error) {
        rejected.push({ record: new TaskRecord(message, null), error: toError(error) })
      }
    }
    return { records, rejected }
  }

  #codec(message: Message): Codec {
    const { schema, topic } = message
    let codec = schema ? this.#bySchema.get(schema) : this.#byTopic.get(topic)
    if (codec) return codec
    if (schema) {
      codec = codecFor(schema)
      this.#bySchema.set(schema, codec)
    } else {
      const type = this.#inputSchemas[topic]
      codec = codecFor(type && { type })
      this.#byTopic.set(topic, codec)
    }
    return codec
  }
}
