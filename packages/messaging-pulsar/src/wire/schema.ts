import type { KeyValueSchema, SchemaInfo, SchemaType } from '@pulsar-io/sdk'
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
  const { keyValue } = schema
  const properties = { ...schema.properties, ...(keyValue === undefined ? {} : keyValueProperties(keyValue)) }
  return {
    name: schema.name ?? (schema.type === 'KEY_VALUE' ? 'KeyValue' : ''),
    type,
    schemaData:
      keyValue === undefined
        ? Buffer.from(schema.definition ?? '', schema.type === 'KEY_VALUE' ? 'latin1' : 'utf8')
        : Buffer.concat([sized(keyValue.key.definition), sized(keyValue.value.definition)]),
    properties: Object.entries(properties).map(([key, value]) => ({ key, value })),
  }
}

/** The reverse of {@link toWireSchema}; undefined for a type that this client does not know. */
export function fromWireSchema(schema: WireSchema): SchemaInfo | undefined {
  const type = TYPES[schema.type]
  if (type === undefined) return undefined
  const { name } = schema
  const properties = Object.fromEntries((schema.properties ?? []).map(({ key, value }) => [key, value]))
  const named = name === '' ? {} : { name }
  if (type === 'KEY_VALUE')
    return { type, ...named, keyValue: readKeyValue(Buffer.from(schema.schemaData), properties) }
  return {
    type,
    ...named,
    ...(schema.schemaData.length === 0 ? {} : { definition: Buffer.from(schema.schemaData).toString() }),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
  }
}

/** A version as brokers count them: 8 bytes, the most significant first. Others as hexadecimal digits. */
export function versionText(version: Uint8Array): string {
  const bytes = Buffer.from(version)
  return bytes.length === 8 ? bytes.readBigInt64BE().toString() : bytes.toString('hex')
}

/** Names as in Java's `KeyValueSchemaInfo`: the definitions stand in the data, what else there is in properties. */
function keyValueProperties({ key, value, encoding }: KeyValueSchema): { [name: string]: string } {
  const half = (prefix: string, { type, name, properties }: SchemaInfo) => ({
    [`${prefix}.schema.name`]: name ?? '',
    [`${prefix}.schema.type`]: type,
    [`${prefix}.schema.properties`]: JSON.stringify(properties ?? {}),
  })
  return { ...half('key', key), ...half('value', value), 'kv.encoding.type': encoding }
}

function readKeyValue(data: Buffer, properties: { readonly [name: string]: string }): KeyValueSchema {
  const keyEnd = 4 + Math.max(0, data.length >= 4 ? data.readInt32BE(0) : 0)
  const half = (prefix: string, definition: string): SchemaInfo => {
    const name = properties[`${prefix}.schema.name`]
    const own = readProperties(properties[`${prefix}.schema.properties`])
    return {
      type: (properties[`${prefix}.schema.type`] as SchemaType | undefined) ?? 'BYTES',
      ...(name ? { name } : {}),
      ...(definition === '' ? {} : { definition }),
      ...(own === undefined ? {} : { properties: own }),
    }
  }
  return {
    key: half('key', data.toString('utf8', 4, keyEnd)),
    value: half('value', data.toString('utf8', keyEnd + 4)),
    encoding: properties['kv.encoding.type'] === 'SEPARATED' ? 'SEPARATED' : 'INLINE',
  }
}

function readProperties(text: string | undefined): { readonly [name: string]: string } | undefined {
  if (!text) return undefined
  try {
    const value = JSON.parse(text) as unknown
    const known = typeof value === 'object' && value !== null && Object.keys(value).length > 0
    return known ? (value as { readonly [name: string]: string }) : undefined
  } catch {
    // Whatever it is, it is not what any client writes: the schema is good without it.
    return undefined
  }
}

function sized(definition: string | undefined): Buffer {
  const text = Buffer.from(definition ?? '')
  const length = Buffer.alloc(4)
  length.writeInt32BE(text.length)
  return Buffer.concat([length, text])
}
