/** The kinds of value a topic can hold. */
export type SchemaType =
  | 'BYTES'
  | 'STRING'
  | 'JSON'
  | 'AVRO'
  | 'PROTOBUF'
  | 'PROTOBUF_NATIVE'
  | 'KEY_VALUE'
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
}
