import { sinkConfigSchema, sourceConfigSchema } from '@pulsar-io/engine'
import { configJsonSchema, type JsonSchema } from '@pulsar-io/sdk'

/** The JSON Schemas of the configuration files, by file name, for editors. */
export function configSchemas(): ReadonlyMap<string, JsonSchema> {
  const sink = configJsonSchema(sinkConfigSchema)
  const source = configJsonSchema(sourceConfigSchema)
  const item = { oneOf: [ofKind('sink', sink), ofKind('source', source)] }
  const pipeline = {
    $schema: sink.$schema,
    title: 'Pipeline',
    description: 'What `runtime run -f` runs: a list, or one document of several.',
    anyOf: [item, { type: 'array', minItems: 1, items: item }],
  }
  return new Map([
    ['sink-config.json', titled('SinkConfig', sink)],
    ['source-config.json', titled('SourceConfig', source)],
    ['pipeline.json', pipeline],
  ])
}

function titled(title: string, { $schema, ...schema }: JsonSchema): JsonSchema {
  return { $schema, title, ...schema }
}

function ofKind(kind: string, { $schema: _, properties, ...schema }: JsonSchema): JsonSchema {
  return { ...schema, required: ['kind'], properties: { kind: { const: kind }, ...(properties as JsonSchema) } }
}
