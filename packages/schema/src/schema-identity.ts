import type { SchemaInfo } from '@pulsar-io/sdk'

/** A text that is the same for schemas that mean the same, whatever objects they are and whichever version they got. */
export function schemaIdentity(schema: SchemaInfo): string {
  return JSON.stringify(partsOf(schema))
}

function partsOf({ type, name, definition, properties, keyValue }: SchemaInfo): unknown {
  return [
    type,
    name ?? '',
    definition ?? '',
    Object.entries(properties ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
    keyValue ? [keyValue.encoding, partsOf(keyValue.key), partsOf(keyValue.value)] : null,
  ]
}
