import type { KeyValueEncoding, SchemaInfo } from '@pulsar-io/sdk'

/** Turns values into payloads and back. Made once per schema, used for every message. */
export interface Codec<V = unknown> {
  readonly schema: SchemaInfo
  /** Throws a RecordError (`PIO_SCHEMA_ENCODE`) for a value that does not fit. */
  encode(value: V): Uint8Array
  /** Throws a RecordError (`PIO_SCHEMA_DECODE`) for bytes that are not of this schema. */
  decode(payload: Uint8Array): V
  /** Only of a KEY_VALUE schema: how to read and write a message as a whole, its key included. */
  readonly keyValue?: KeyValueCodec
}

/** A record of a KEY_VALUE schema. */
export interface KeyValue {
  readonly key: unknown
  readonly value: unknown
}

/** What of a message a KEY_VALUE schema says something about. */
export interface KeyValueParts {
  /** null: a tombstone. */
  readonly payload: Uint8Array | null
  /** SEPARATED: the message's key as bytes. */
  readonly key: Uint8Array | undefined
}

/** The two halves of a KEY_VALUE schema. Throws as {@link Codec} does. */
export interface KeyValueCodec {
  readonly encoding: KeyValueEncoding
  encode(record: KeyValue): KeyValueParts
  decode(message: KeyValueParts): KeyValue
}
