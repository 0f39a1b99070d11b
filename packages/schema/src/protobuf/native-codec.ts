import type { SchemaInfo } from '@pulsar-io/sdk'
import descriptor from 'protobufjs/ext/descriptor.js'
import protobuf, { type Field, type Type } from 'protobufjs/light.js'
import type { Codec } from '../codec.ts'
import { definitionError } from '../mismatch.ts'
import { messageCodec } from './message-codec.ts'

/** What Pulsar keeps as the definition of a PROTOBUF_NATIVE schema (its ProtobufNativeSchemaData). */
interface NativeDefinition {
  /** base64 of a FileDescriptorSet. */
  readonly fileDescriptorSet: string
  readonly rootMessageTypeName: string
  readonly rootFileDescriptorName: string
}

/** Protobuf by its descriptors. Throws a ConfigError (`PIO_SCHEMA_DEFINITION`). */
export function nativeCodec(schema: SchemaInfo): Codec {
  let type: Type
  try {
    const definition = JSON.parse(schema.definition ?? 'null') as Partial<NativeDefinition> | null
    if (!definition?.fileDescriptorSet || !definition.rootMessageTypeName) {
      throw new Error('it needs fileDescriptorSet and rootMessageTypeName')
    }
    const files = descriptor.FileDescriptorSet.decode(Buffer.from(definition.fileDescriptorSet, 'base64'))
    const root = protobuf.Root.fromDescriptor(files as never, { keepCase: true })
    type = root.resolveAll().lookupType(definition.rootMessageTypeName)
  } catch (error) {
    throw definitionError(schema.type, error)
  }
  return messageCodec(schema, type, hasPresence)
}

/** protobufjs itself does not count a message as a field with presence. */
function hasPresence(field: Field): boolean {
  if (field.repeated || field.map) return false
  return field.hasPresence || field.resolvedType instanceof protobuf.Type
}
