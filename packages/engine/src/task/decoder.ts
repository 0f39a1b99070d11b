import type { Message } from '@pulsar-io/messaging'
import { type Codec, codecFor } from '@pulsar-io/schema'
import type { SchemaInfo } from '@pulsar-io/sdk'
import { ConfigError, isConnectorError } from '@pulsar-io/sdk/core'
import { toError } from '../failure.ts'
import { TaskRecord } from './task-record.ts'

/** A record that cannot be written, and why. */
export interface Rejected {
  readonly record: TaskRecord
  readonly error: Error
}

/** Turns messages into records, each with the schema that it was written with, whatever the topic's newest is. */
export class Decoder {
  readonly #inputSchemas: { readonly [topic: string]: SchemaInfo }
  /** Drivers hand out one object per schema version, so a look-up by identity is enough; it lives as long as they keep it. */
  readonly #bySchema = new WeakMap<SchemaInfo, Codec>()
  readonly #byTopic = new Map<string, Codec>()

  /** `inputSchemas`: what to decode with where a topic has no schema. */
  constructor(inputSchemas: { readonly [topic: string]: SchemaInfo }) {
    this.#inputSchemas = inputSchemas
  }

  /** Throws a ConfigError for a schema that cannot be used: all that was written with it would be lost to the dead letters. */
  async decode(messages: readonly Message[]): Promise<{ records: TaskRecord[]; rejected: Rejected[] }> {
    const records: TaskRecord[] = []
    const rejected: Rejected[] = []
    for (const message of messages) {
      // Awaited only for a schema that is new here.
      const codec = this.#known(message) ?? (await this.#make(message))
      try {
        records.push(decoded(message, codec))
      } catch (error) {
        rejected.push({ record: new TaskRecord(message, null), error: toError(error) })
      }
    }
    return { records, rejected }
  }

  #known({ schema, topic }: Message): Codec | undefined {
    return schema ? this.#bySchema.get(schema) : this.#byTopic.get(topic)
  }

  async #make({ schema, topic }: Message): Promise<Codec> {
    const configured = this.#inputSchemas[topic]
    try {
      const codec = await codecFor(saysNothing(schema) ? configured : schema)
      if (schema) this.#bySchema.set(schema, codec)
      else this.#byTopic.set(topic, codec)
      return codec
    } catch (error) {
      if (!isConnectorError(error)) throw error
      const version = schema?.version === undefined ? '' : ` version ${schema.version}`
      throw new ConfigError([{ path: `${topic} schema${version}`, message: error.message }], {
        code: error.code,
        cause: error,
      })
    }
  }
}

function saysNothing(schema: SchemaInfo | undefined): boolean {
  return schema === undefined || schema.type === 'BYTES' || schema.type === 'NONE'
}

function decoded(message: Message, codec: Codec): TaskRecord {
  const { payload } = message
  if (codec.keyValue === undefined) return new TaskRecord(message, payload === null ? null : codec.decode(payload))
  const { key, value } = codec.keyValue.decode({ payload, key: keyBytes(message) })
  return new TaskRecord(message, value, { key })
}

function keyBytes({ key, keyIsBase64 }: Message): Uint8Array | undefined {
  return key === undefined ? undefined : Buffer.from(key, keyIsBase64 ? 'base64' : 'utf8')
}
