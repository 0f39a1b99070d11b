import type { SchemaInfo } from '@pulsar-io/sdk'
import protobuf from 'protobufjs/light.js'
import type { Codec } from '../codec.ts'
import { definitionError } from '../mismatch.ts'
import { messageCodec } from './message-codec.ts'

/** The property in which Pulsar's Java client keeps the numbers that an Avro definition has no place for. */
const PARSING_INFO = '__PARSING_INFO__'

interface ParsingInfo {
  readonly number: number
  readonly name: string
  /** A constant of Java's FieldDescriptor.Type, for example SINT64. */
  readonly type: string
  readonly label: string
}

/**
 * Protobuf that is described by an Avro schema, as Pulsar's PROTOBUF type has it. The numbers of the fields stand in a
 * property, but only those of the outermost message, and enums have none: a field that is a message arrives as its
 * bytes, an enum as its number. Throws a ConfigError (`PIO_SCHEMA_DEFINITION`).
 */
export function describedCodec(schema: SchemaInfo): Codec {
  const text = schema.properties?.[PARSING_INFO]
  if (text === undefined) {
    throw definitionError(
      'PROTOBUF',
      `without its property ${PARSING_INFO} the numbers of the fields are not known; use PROTOBUF_NATIVE, which has them`,
    )
  }
  try {
    const type = new protobuf.Type('Message')
    const messages = new Set<string>()
    for (const field of JSON.parse(text) as readonly ParsingInfo[]) {
      if (field.type === 'MESSAGE' && field.label !== 'LABEL_REPEATED') messages.add(field.name)
      const rule = field.label === 'LABEL_REPEATED' ? 'repeated' : undefined
      type.add(new protobuf.Field(field.name, field.number, wireType(field), rule))
    }
    new protobuf.Root().add(type)
    // Whether the file was proto2 or proto3 is not told: a scalar that is absent reads as its default in both.
    return messageCodec(schema, type, field => messages.has(field.name))
  } catch (error) {
    throw definitionError('PROTOBUF', error)
  }
}

function wireType({ name, type }: ParsingInfo): string {
  if (type === 'MESSAGE') return 'bytes'
  if (type === 'ENUM') return 'int32'
  if (type === 'GROUP') throw new Error(`the field ${name} is a group`)
  return type.toLowerCase()
}
