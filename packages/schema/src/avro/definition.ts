/** An Avro schema as JSON. */
export type AvroJson =
  | string
  | readonly AvroJson[]
  | { readonly type: AvroJson; readonly logicalType?: string; readonly [attribute: string]: unknown }

/**
 * The definition as avsc takes it. Java's reflection puts a `$` into the names of nested classes, which the
 * specification does not allow; names have no effect on the bytes, so it becomes `_`.
 */
export function parseDefinition(text: string): AvroJson {
  return tidied(JSON.parse(text) as AvroJson)
}

function tidied(schema: AvroJson): AvroJson {
  if (typeof schema === 'string') return schema.replaceAll('$', '_')
  if (Array.isArray(schema)) return schema.map(tidied)
  if (typeof schema !== 'object' || schema === null) return schema
  const { name, namespace, type, items, values, fields } = schema as { readonly [attribute: string]: unknown }
  return {
    ...schema,
    type: tidied(type as AvroJson),
    ...(typeof name === 'string' ? { name: name.replaceAll('$', '_') } : {}),
    ...(typeof namespace === 'string' ? { namespace: namespace.replaceAll('$', '_') } : {}),
    ...(items === undefined ? {} : { items: tidied(items as AvroJson) }),
    ...(values === undefined ? {} : { values: tidied(values as AvroJson) }),
    ...(Array.isArray(fields)
      ? { fields: fields.map((field: { type: AvroJson }) => ({ ...field, type: tidied(field.type) })) }
      : {}),
  }
}

/** Without the defaults of fields: a reader of the writer's own bytes needs none, and Java lets wrong ones pass. */
export function withoutDefaults(schema: AvroJson): AvroJson {
  if (typeof schema === 'string') return schema
  if (Array.isArray(schema)) return schema.map(withoutDefaults)
  const { type, items, values, fields } = schema as { readonly [attribute: string]: unknown }
  return {
    ...(schema as { readonly type: AvroJson }),
    type: withoutDefaults(type as AvroJson),
    ...(items === undefined ? {} : { items: withoutDefaults(items as AvroJson) }),
    ...(values === undefined ? {} : { values: withoutDefaults(values as AvroJson) }),
    ...(Array.isArray(fields)
      ? {
          fields: fields.map(({ default: _, ...field }: { default?: unknown; type: AvroJson }) => ({
            ...field,
            type: withoutDefaults(field.type),
          })),
        }
      : {}),
  }
}
