// Without the codecs, which a client that moves bytes does not carry.
import { fromSchemaData, toSchemaData } from '@pulsar-io/schema/data'
import type { SchemaInfo, SchemaType } from '@pulsar-io/sdk'
import type { Encodable } from './protobuf.ts'
import type { Schema } from './values.ts'

type WireSchema = Encodable<(typeof Schema)['fields']>

/** `Schema.Type`, in the order of its numbers. */
const TYPES: readonly SchemaType[] = [
  'NONE',
  'STRING',
  'JSON',
  'PROTOBUF',
  'AVRO',
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
  'KEY_VALUE',
  'INSTANT',
  'LOCAL_DATE',
  'LOCAL_TIME',
  'LOCAL_DATE_TIME',
  'PROTOBUF_NATIVE',
]

/** The number of a type in the protocol; one beyond all where it is not known. */
export function schemaTypeNumber(type: string): number {
  const number = (TYPES as readonly string[]).indexOf(type)
  return number < 0 ? TYPES.length : number
}

/** A schema as the protocol has it; undefined for bytes and the like, which no broker stores. */
export function toWireSchema(schema: SchemaInfo | undefined): WireSchema | undefined {
  if (schema === undefined) return undefined
  const type = TYPES.indexOf(schema.type)
  if (type <= 0) return undefined
  const { name, data, properties } = toSchemaData(schema)
  return {
    name,
    type,
    schemaData: Buffer.from(data),
    properties: Object.entries(properties).map(([key, value]) => ({ key, value })),
  }
}

/**
 * The reverse of {@link toWireSchema}; undefined for a type that this client does not know. Throws a ConfigError
 * (`PIO_SCHEMA_DEFINITION`) for what is no schema.
 */
export function fromWireSchema({ type: number, name, schemaData, properties }: WireSchema): SchemaInfo | undefined {
  const type = TYPES[number]
  if (type === undefined) return undefined
  const own = Object.fromEntries((properties ?? []).map(({ key, value }) => [key, value]))
  return fromSchemaData({ type, name, data: schemaData, properties: own })
}

/** A version as brokers count them: 8 bytes, the most significant first. Others as hexadecimal digits. */
export function versionText(version: Uint8Array): string {
  const bytes = Buffer.from(version)
  return bytes.length === 8 ? bytes.readBigInt64BE().toString() : bytes.toString('hex')
}
