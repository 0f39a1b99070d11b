import type { SchemaInfo } from '@pulsar-io/sdk'

/** Turns values into payloads and back. Made once per schema, used for every message. */
export interface Codec<V = unknown> {
  readonly schema: SchemaInfo
  /** Throws a RecordError (`PIO_SCHEMA_ENCODE`) for a value that does not fit. */
  encode(value: V): Uint8Array
  /** Throws a RecordError (`PIO_SCHEMA_DECODE`) for bytes that are not of this schema. */
  decode(payload: Uint8Array): V
}
