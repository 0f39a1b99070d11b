import type { SchemaInfo } from '@pulsar-io/sdk'
import type { Type } from 'avsc'
import { asBuffer } from '../bytes.ts'
import type { Codec } from '../codec.ts'
import { decodeError, definitionError, encodeError } from '../mismatch.ts'
import { parseDefinition } from './definition.ts'
import { shapeOf } from './encoder.ts'
import { readingType, writingType } from './types.ts'

/** Avro's binary encoding, as Pulsar writes it: the bare datum. Throws a ConfigError (`PIO_SCHEMA_DEFINITION`). */
export function avroCodec(schema: SchemaInfo): Codec {
  const { type, definition } = schema
  if (definition === undefined || definition === '') throw definitionError(type, 'it has none')
  let reading: Type
  try {
    reading = readingType(parseDefinition(definition))
  } catch (error) {
    throw definitionError(type, error)
  }
  // Most codecs only read.
  let write: ((value: unknown) => Uint8Array) | undefined
  return {
    schema,
    encode: value => {
      write ??= writer(reading, definition)
      try {
        return write(value)
      } catch (error) {
        throw encodeError(type, error)
      }
    },
    decode: payload => {
      try {
        return reading.fromBuffer(asBuffer(payload))
      } catch (error) {
        throw decodeError(type, error)
      }
    },
  }
}

function writer(reading: Type, definition: string): (value: unknown) => Uint8Array {
  const writing = writingType(parseDefinition(definition))
  const shape = shapeOf(reading, writing)
  return value => writing.toBuffer(shape(value))
}
