import type { SchemaInfo } from '@pulsar-io/sdk'
import { ConfigError } from '@pulsar-io/sdk/core'
import type { Codec } from './codec.ts'
import { definitionError } from './mismatch.ts'
import { bytesCodec, jsonCodec, stringCodec } from './plain-codecs.ts'
import { schemaIdentity } from './schema-identity.ts'

/** Codecs kept at most; what was asked for longest ago is compiled again when it comes back. */
const KEPT = 256

const kept = new Map<string, Promise<Codec>>()

/**
 * The codec of a schema; bytes where there is none. Compiled once per definition, whatever object it comes in; what a
 * type needs is loaded when it is first asked for.
 *
 * @throws ConfigError (`PIO_SCHEMA_TYPE`) for a type that is not known, (`PIO_SCHEMA_DEFINITION`) for a definition that
 * cannot be used.
 */
export function codecFor(schema: SchemaInfo | undefined): Promise<Codec> {
  if (schema === undefined) return Promise.resolve(bytesCodec({ type: 'BYTES' }))
  const identity = schemaIdentity(schema)
  const known = kept.get(identity)
  const codec = known ?? make(schema)
  kept.delete(identity)
  kept.set(identity, codec)
  if (known === undefined) {
    // Who waits sees the error; the next one who asks gets a new try.
    codec.catch(() => kept.delete(identity))
    const [oldest] = kept.keys()
    if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest)
  }
  return codec
}

async function make(schema: SchemaInfo): Promise<Codec> {
  switch (schema.type) {
    case 'NONE':
    case 'BYTES':
    case 'AUTO_CONSUME':
      return bytesCodec(schema)
    case 'STRING':
      return stringCodec(schema)
    case 'JSON':
      return jsonCodec(schema)
    case 'AVRO':
      return (await import('./avro/avro-codec.ts')).avroCodec(schema)
    case 'PROTOBUF':
      return (await import('./protobuf/described-codec.ts')).describedCodec(schema)
    case 'PROTOBUF_NATIVE':
      return (await import('./protobuf/native-codec.ts')).nativeCodec(schema)
    case 'KEY_VALUE': {
      if (!schema.keyValue) throw definitionError('KEY_VALUE', 'it does not say what key and value are')
      const { keyValueCodec } = await import('./key-value-codec.ts')
      const { key, value } = schema.keyValue
      return keyValueCodec(schema, await codecFor(key), await codecFor(value))
    }
    default: {
      const codec = (await import('./primitive-codecs.ts')).primitiveCodec(schema)
      if (codec) return codec
      throw new ConfigError(
        [{ path: 'schemaType', message: `${schema.type} is not supported; use one of ${SCHEMA_TYPES.join(', ')}` }],
        { code: 'PIO_SCHEMA_TYPE' },
      )
    }
  }
}

/** Every type there is a codec for. */
export const SCHEMA_TYPES: readonly SchemaInfo['type'][] = [
  'NONE',
  'BYTES',
  'STRING',
  'JSON',
  'AVRO',
  'PROTOBUF',
  'PROTOBUF_NATIVE',
  'KEY_VALUE',
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
  'AUTO_CONSUME',
]
