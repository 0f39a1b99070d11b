import type { ConnectorKind, JsonSchema, Manifest } from '@pulsar-io/sdk'

/** Pulsar's ConnectorDefinition. */
export interface ConnectorDefinition {
  readonly name: string
  readonly description: string
  readonly sourceClass?: string
  readonly sinkClass?: string
  readonly sourceConfigClass?: string
  readonly sinkConfigClass?: string
}

/** Pulsar's ConfigFieldDefinition. */
export interface ConfigFieldDefinition {
  readonly fieldName: string
  readonly typeName: string
  readonly attributes: {
    readonly help: string
    readonly defaultValue: string
    readonly sensitive: 'true' | 'false'
    readonly required: 'true' | 'false'
  }
}

/** What stands where Pulsar has a Java class: pulsar-admin lists only connectors that have one. */
export function className(manifest: Manifest, kind: ConnectorKind): string {
  return `${manifest.name}#${manifest[kind]?.export ?? kind}`
}

/** A connector as Pulsar describes one. */
export function connectorDefinition(manifest: Manifest): ConnectorDefinition {
  const { source, sink } = manifest
  return {
    name: manifest.name,
    description: manifest.description,
    ...(source === undefined ? {} : { sourceClass: className(manifest, 'source') }),
    ...(sink === undefined ? {} : { sinkClass: className(manifest, 'sink') }),
    ...(source === undefined ? {} : { sourceConfigClass: `${className(manifest, 'source')}.config` }),
    ...(sink === undefined ? {} : { sinkConfigClass: `${className(manifest, 'sink')}.config` }),
  }
}

/** The options of a connector as Pulsar describes them. */
export function configDefinition(manifest: Manifest, kind: ConnectorKind): readonly ConfigFieldDefinition[] {
  const schema = configSchema(manifest, kind)
  const required = Array.isArray(schema.required) ? schema.required : []
  return Object.entries((schema.properties ?? {}) as { readonly [name: string]: JsonSchema }).map(([name, field]) => ({
    fieldName: name,
    typeName: typeName(field),
    attributes: {
      help: typeof field.description === 'string' ? field.description : '',
      defaultValue: defaultText(field.default),
      sensitive: field.writeOnly === true ? 'true' : 'false',
      required: required.includes(name) ? 'true' : 'false',
    },
  }))
}

/** The JSON Schema of a connector's options. */
export function configSchema(manifest: Manifest, kind: ConnectorKind): JsonSchema {
  return manifest[kind]?.configSchema ?? {}
}

const JAVA_TYPES: { readonly [type: string]: string } = {
  integer: 'long',
  number: 'double',
  boolean: 'boolean',
  array: 'java.util.List',
  object: 'java.util.Map',
}

/** Numbers and the like are written as text, too: the other type tells what is meant. */
function typeName({ type }: JsonSchema): string {
  const types = Array.isArray(type) ? type : [type]
  const main = types.find(each => each !== 'string' && each !== 'null')
  return (typeof main === 'string' ? JAVA_TYPES[main] : undefined) ?? 'java.lang.String'
}

function defaultText(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
