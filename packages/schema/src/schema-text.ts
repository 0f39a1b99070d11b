import type { KeyValueSchema, SchemaInfo, SchemaType } from '@pulsar-io/sdk'
import { ConfigError, closest } from '@pulsar-io/sdk/core'
import { SCHEMA_TYPES } from './codec-for.ts'

/** Types that say nothing without a definition. */
const NEED_DEFINITION: readonly SchemaType[] = ['AVRO', 'PROTOBUF', 'PROTOBUF_NATIVE']

/** Spellings that are known from elsewhere: `pulsar-admin` and the Java classes. */
const ALIASES: { readonly [name: string]: SchemaType } = {
  BOOL: 'BOOLEAN',
  PROTOBUFNATIVE: 'PROTOBUF_NATIVE',
  KEYVALUE: 'KEY_VALUE',
}

/**
 * Reads a schema as operators write it: `json`, `avro:{"type":"record",…}`, `avro:customer.avsc` (a file, by
 * `readFile`), or an object, as such or as JSON text: `{type, definition, properties, keyValue: {key, value, encoding}}`
 * with a definition as text or as JSON.
 *
 * @throws ConfigError (`PIO_SCHEMA_TYPE`), (`PIO_SCHEMA_DEFINITION`); whatever `readFile` throws.
 */
export function parseSchema(from: unknown, readFile: (path: string) => string): SchemaInfo {
  if (typeof from !== 'string') return fromObject(from, readFile)
  const text = from.trim()
  if (text.startsWith('{')) return fromObject(parsed(text, 'the schema'), readFile)
  const at = text.indexOf(':')
  const type = schemaType(at < 0 ? text : text.slice(0, at))
  return at < 0 ? complete({ type }) : complete({ type, definition: definitionOf(text.slice(at + 1), type, readFile) })
}

/** The type of that name, however it is spelt. Throws a ConfigError (`PIO_SCHEMA_TYPE`). */
export function schemaType(name: string): SchemaType {
  const upper = name.trim().toUpperCase().replaceAll('-', '_')
  const type = SCHEMA_TYPES.find(known => known === upper) ?? ALIASES[upper]
  if (type) return type
  const guess = closest(upper, SCHEMA_TYPES)
  throw new ConfigError(
    [
      {
        path: '',
        message: `must be one of ${SCHEMA_TYPES.join(', ').toLowerCase()}, got ${JSON.stringify(name)}${guess ? `; did you mean ${guess.toLowerCase()}?` : ''}`,
      },
    ],
    { code: 'PIO_SCHEMA_TYPE' },
  )
}

function fromObject(value: unknown, readFile: (path: string) => string): SchemaInfo {
  if (!isObject(value) || typeof value.type !== 'string') {
    throw refused('must be a type such as json, or an object with a type and a definition')
  }
  const type = schemaType(value.type)
  const { name, properties, keyValue } = value
  const definition = value.definition ?? value.schema
  return complete({
    type,
    ...(typeof name === 'string' ? { name } : {}),
    ...(definition === undefined || definition === ''
      ? {}
      : {
          definition:
            typeof definition === 'string' ? definitionOf(definition, type, readFile) : JSON.stringify(definition),
        }),
    ...(isObject(properties) ? { properties: properties as { readonly [name: string]: string } } : {}),
    ...(isObject(keyValue) ? { keyValue: halves(keyValue, readFile) } : {}),
  })
}

function halves(value: { readonly [name: string]: unknown }, readFile: (path: string) => string): KeyValueSchema {
  const encoding = typeof value.encoding === 'string' ? value.encoding.toUpperCase() : 'INLINE'
  if (encoding !== 'INLINE' && encoding !== 'SEPARATED') throw refused('keyValue.encoding must be INLINE or SEPARATED')
  if (value.key === undefined || value.value === undefined) throw refused('keyValue needs a key and a value')
  return { key: parseSchema(value.key, readFile), value: parseSchema(value.value, readFile), encoding }
}

/** JSON as it stands, or the file of that name. */
function definitionOf(text: string, type: SchemaType, readFile: (path: string) => string): string {
  const isJson = /^\s*[{["]/.test(text)
  const definition = isJson ? text : readFile(text)
  parsed(definition, isJson ? `the definition of the ${type} schema` : text)
  return definition
}

function complete(schema: SchemaInfo): SchemaInfo {
  if (NEED_DEFINITION.includes(schema.type) && schema.definition === undefined) {
    const type = schema.type.toLowerCase()
    throw refused(`${type} needs a definition: ${type}:<file> or ${type}:<json>`)
  }
  if (schema.type === 'KEY_VALUE' && schema.keyValue === undefined) {
    throw refused('key_value needs {"type": "KEY_VALUE", "keyValue": {"key": …, "value": …, "encoding": "INLINE"}}')
  }
  return schema
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw refused(`${what} is not JSON: ${(error as Error).message}`)
  }
}

function refused(message: string): ConfigError {
  return new ConfigError([{ path: '', message }], { code: 'PIO_SCHEMA_DEFINITION' })
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
