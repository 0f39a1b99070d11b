import type { KeyValueEncoding, SchemaInfo, SchemaType } from '@pulsar-io/sdk'
import { definitionError } from './mismatch.ts'

/** A schema as Pulsar's protocol and its admin API carry it. */
export interface SchemaData {
  readonly type: SchemaType
  readonly name: string
  /** The definition as bytes; for KEY_VALUE both, each behind its length as a 32-bit number. */
  readonly data: Uint8Array
  readonly properties: { readonly [name: string]: string }
}

const PREFIXES = { key: 'key.schema', value: 'value.schema' } as const
const ENCODING = 'kv.encoding.type'

/** The schema as it goes to a broker (layout of Pulsar's KeyValueSchemaInfo). */
export function toSchemaData(schema: SchemaInfo): SchemaData {
  const { type, name = '', definition = '', properties = {}, keyValue } = schema
  if (type !== 'KEY_VALUE') return { type, name, data: Buffer.from(definition, 'utf8'), properties }
  if (!keyValue) throw definitionError('KEY_VALUE', 'it does not say what key and value are')
  const key = toSchemaData(keyValue.key)
  const value = toSchemaData(keyValue.value)
  return {
    type,
    name: name || 'KeyValue',
    data: Buffer.concat([framed(key.data), framed(value.data)]),
    properties: {
      ...properties,
      ...halfProperties(PREFIXES.key, key),
      ...halfProperties(PREFIXES.value, value),
      [ENCODING]: keyValue.encoding,
    },
  }
}

/** The schema as it comes from a broker. Throws a ConfigError (`PIO_SCHEMA_DEFINITION`) for what is no schema. */
export function fromSchemaData(from: SchemaData, version?: string): SchemaInfo {
  const { type, name, data, properties } = from
  const info = {
    type,
    ...(name === '' ? {} : { name }),
    ...(version === undefined ? {} : { version }),
  }
  if (type !== 'KEY_VALUE') {
    const definition = Buffer.from(data).toString('utf8')
    return {
      ...info,
      ...(definition === '' ? {} : { definition }),
      ...(Object.keys(properties).length === 0 ? {} : { properties }),
    }
  }
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const first = part(bytes, 0)
  const second = part(bytes, first.end)
  const own = Object.entries(properties).filter(
    ([key]) => key !== ENCODING && !Object.values(PREFIXES).some(prefix => key.startsWith(`${prefix}.`)),
  )
  return {
    ...info,
    ...(own.length === 0 ? {} : { properties: Object.fromEntries(own) }),
    keyValue: {
      key: half(PREFIXES.key, first.bytes, properties),
      value: half(PREFIXES.value, second.bytes, properties),
      encoding: (properties[ENCODING] ?? 'INLINE') as KeyValueEncoding,
    },
  }
}

function halfProperties(prefix: string, { name, type, properties }: SchemaData): { readonly [name: string]: string } {
  return {
    [`${prefix}.name`]: name,
    [`${prefix}.type`]: type,
    [`${prefix}.properties`]: JSON.stringify(properties),
  }
}

function half(prefix: string, data: Uint8Array, properties: { readonly [name: string]: string }): SchemaInfo {
  const type = properties[`${prefix}.type`]
  if (type === undefined) throw definitionError('KEY_VALUE', `its property ${prefix}.type is missing`)
  return fromSchemaData({
    type: type as SchemaType,
    name: properties[`${prefix}.name`] ?? '',
    data,
    properties: propertiesOf(`${prefix}.properties`, properties),
  })
}

function propertiesOf(
  name: string,
  { [name]: text = '' }: { readonly [name: string]: string },
): { readonly [name: string]: string } {
  if (text === '') return {}
  try {
    return JSON.parse(text) ?? {}
  } catch (error) {
    throw definitionError('KEY_VALUE', `its property ${name} is no JSON: ${(error as Error).message}`)
  }
}

function framed(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function part(from: Buffer, at: number): { readonly bytes: Uint8Array; readonly end: number } {
  const length = at + 4 <= from.length ? Math.max(0, from.readInt32BE(at)) : Number.POSITIVE_INFINITY
  const end = at + 4 + length
  if (end > from.length) throw definitionError('KEY_VALUE', 'it ends too early')
  return { bytes: from.subarray(at + 4, end), end }
}
