/** The kinds of value a topic can hold; Pulsar's names. */
export type SchemaType =
  /** Whatever it is, it is left alone: bytes. */
  | 'NONE'
  | 'BYTES'
  | 'STRING'
  | 'JSON'
  | 'AVRO'
  | 'PROTOBUF'
  | 'PROTOBUF_NATIVE'
  | 'KEY_VALUE'
  /** For a reader: the schema that each message was written with. */
  | 'AUTO_CONSUME'
  | PrimitiveSchemaType

/** Pulsar's primitive types besides bytes and string. */
export type PrimitiveSchemaType =
  | 'BOOLEAN'
  | 'INT8'
  | 'INT16'
  | 'INT32'
  | 'INT64'
  | 'FLOAT'
  | 'DOUBLE'
  | 'DATE'
  | 'TIME'
  | 'TIMESTAMP'
  | 'INSTANT'
  | 'LOCAL_DATE'
  | 'LOCAL_TIME'
  | 'LOCAL_DATE_TIME'

/** What a topic says of its values. */
export interface SchemaInfo {
  readonly type: SchemaType
  readonly name?: string
  /** The definition, for example an Avro schema as JSON text. */
  readonly definition?: string
  readonly properties?: { readonly [name: string]: string }
  /** For KEY_VALUE: what its two halves are. */
  readonly keyValue?: KeyValueSchema
  /** The version that the topic gave this schema, where it is known. It says nothing about the schema itself. */
  readonly version?: string
}

/** The halves of a KEY_VALUE schema. */
export interface KeyValueSchema {
  readonly key: SchemaInfo
  readonly value: SchemaInfo
  /** INLINE: both in the payload. SEPARATED: the key is the message's key. */
  readonly encoding: KeyValueEncoding
}

/** Where the key of a KEY_VALUE record travels. */
export type KeyValueEncoding = 'INLINE' | 'SEPARATED'
