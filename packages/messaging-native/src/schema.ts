import type { SchemaInfo, SchemaType } from '@pulsar-io/sdk'
import type { AddonSchema } from './addon.ts'
import { unsupportedError } from './errors.ts'

/** Types by the names of the addon; it knows no others. */
const NAMES: Readonly<Partial<Record<SchemaType, AddonSchema['schemaType']>>> = {
  STRING: 'String',
  JSON: 'Json',
  PROTOBUF: 'Protobuf',
  AVRO: 'Avro',
  BOOLEAN: 'Boolean',
  INT8: 'Int8',
  INT16: 'Int16',
  INT32: 'Int32',
  INT64: 'Int64',
  FLOAT: 'Float32',
  DOUBLE: 'Float64',
  PROTOBUF_NATIVE: 'ProtobufNative',
}

/**
 * A schema for a producer of the addon; undefined for bytes.
 * @throws ConnectorError `PIO_NATIVE_UNSUPPORTED` for a type that the addon does not know, and for KEY_VALUE, whose
 *   definition is bytes that the addon would take for text.
 */
export function addonSchema(topic: string, schema: SchemaInfo | undefined): AddonSchema | undefined {
  if (schema === undefined || schema.type === 'NONE' || schema.type === 'BYTES') return undefined
  const schemaType = NAMES[schema.type]
  if (schemaType === undefined) {
    throw unsupportedError(`the native driver cannot publish to ${topic} with a schema of type ${schema.type}`)
  }
  return {
    schemaType,
    name: schema.name ?? '',
    ...(schema.definition === undefined ? {} : { schema: schema.definition }),
    ...(schema.properties === undefined ? {} : { properties: { ...schema.properties } }),
  }
}

/** Types whose bytes mean the same whatever version of the schema they were written with. */
const VERSIONLESS: ReadonlySet<SchemaType> = new Set<SchemaType>([
  'STRING',
  'JSON',
  'BOOLEAN',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FLOAT',
  'DOUBLE',
  'DATE',
  'TIME',
  'TIMESTAMP',
  'INSTANT',
  'LOCAL_DATE',
  'LOCAL_TIME',
  'LOCAL_DATE_TIME',
])

/**
 * The schema to read all messages of a topic with, of the one that the topic has now.
 * @throws ConnectorError `PIO_NATIVE_UNSUPPORTED` where a message can only be read with the version that it was written
 *   with, which the addon does not tell: guessing would hand out wrong values.
 */
export function readingSchema(topic: string, schema: SchemaInfo | undefined): SchemaInfo | undefined {
  if (schema === undefined || schema.type === 'NONE' || schema.type === 'BYTES') return undefined
  if (VERSIONLESS.has(schema.type)) return schema
  throw unsupportedError(
    `${topic} has a schema of type ${schema.type}, and the addon does not say with which version of it a message was written, so the native driver cannot read it`,
  )
}
