import type { SchemaInfo } from '@pulsar-io/sdk'

/** What is known of a schema that a topic refused. */
export interface Incompatibility {
  readonly topic: string
  /** The newest schema of the topic, with its version; undefined where it could not be asked for. */
  readonly existing: SchemaInfo | undefined
  readonly proposed: SchemaInfo
  /** Pulsar's SchemaCompatibilityStrategy of the topic, for example FULL_TRANSITIVE, where it is known. */
  readonly rule?: string | undefined
  /** What the broker said. */
  readonly reason?: string | undefined
}

/** What each rule asks for (Pulsar's SchemaCompatibilityStrategy). */
const RULES: { readonly [rule: string]: string } = {
  FULL: 'old and new schema have to read what the other wrote: a field that is added or removed needs a default',
  BACKWARD: 'the new schema has to read what the old one wrote: a field that is added needs a default',
  FORWARD: 'the old schema has to read what the new one writes: a field that is removed needs a default',
  ALWAYS_INCOMPATIBLE: 'the topic takes no new schema',
  AUTO_UPDATE_DISABLED: 'the topic takes no new schema from producers; add it with pulsar-admin schemas upload',
  UNDEFINED: 'old and new schema have to read what the other wrote',
}

/** One message for a schema that a topic refused: both versions, what differs, the rule, and what to do. */
export function describeIncompatibility({ topic, existing, proposed, rule, reason }: Incompatibility): string {
  const has = existing
    ? `the topic has ${nameOf(existing)}, this connector writes ${nameOf(proposed, 'a new version')}`
    : `this connector writes ${nameOf(proposed)}, and what the topic has is not known`
  const found = existing ? differences(existing, proposed) : []
  const base = rule?.replace(/_TRANSITIVE$/, '') ?? ''
  const every = rule?.endsWith('_TRANSITIVE') ? ', for every version so far' : ''
  return [
    `${topic} refuses the schema: ${has}`,
    ...(found.length === 0 ? [] : [`difference: ${found.join(', ')}`]),
    ...(rule === undefined ? [] : [`rule ${rule}: ${RULES[base] ?? 'see its description in Pulsar'}${every}`]),
    // Java's messages go over many lines and quote both definitions.
    ...(reason && found.length === 0 ? [`the broker says: ${firstLine(reason)}`] : []),
    `change the schema, publish to another topic, or relax the rule with pulsar-admin ${relax(topic)}`,
  ].join('; ')
}

function nameOf({ type, version }: SchemaInfo, otherwise?: string): string {
  const which = version === undefined ? otherwise : `version ${version}`
  return which === undefined ? type : `${type} (${which})`
}

function relax(topic: string): string {
  const namespace = /^[^:]+:\/\/([^/]+\/[^/]+)\//.exec(topic)?.[1] ?? '<tenant/namespace>'
  return `namespaces set-schema-compatibility-strategy ${namespace}`
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').trim().slice(0, 300)
}

interface FieldJson {
  readonly name: string
  readonly type: unknown
  readonly default?: unknown
}

function differences(existing: SchemaInfo, proposed: SchemaInfo): readonly string[] {
  if (existing.type !== proposed.type) return [`the type was ${existing.type} and is ${proposed.type}`]
  if (existing.keyValue && proposed.keyValue) {
    const { key, value, encoding } = existing.keyValue
    return [
      ...differences(key, proposed.keyValue.key).map(each => `key: ${each}`),
      ...differences(value, proposed.keyValue.value).map(each => `value: ${each}`),
      ...(encoding === proposed.keyValue.encoding ? [] : [`the key was ${encoding}`]),
    ]
  }
  try {
    return recordDifferences(JSON.parse(existing.definition ?? 'null'), JSON.parse(proposed.definition ?? 'null'), '')
  } catch {
    // A definition that is no JSON has no fields to compare.
    return []
  }
}

function recordDifferences(before: unknown, after: unknown, path: string): readonly string[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)]
  if (!old || !now)
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [`${path || 'the type'} changed its type`]
  const named = (name: string) => (path === '' ? name : `${path}.${name}`)
  const without = (field: FieldJson) => (field.default === undefined ? ' without a default' : '')
  return [
    ...now.filter(({ name }) => !find(old, name)).map(field => `${named(field.name)} was added${without(field)}`),
    ...old.filter(({ name }) => !find(now, name)).map(field => `${named(field.name)} was removed${without(field)}`),
    ...old.flatMap(field => {
      const same = find(now, field.name)
      return same ? recordDifferences(field.type, same.type, named(field.name)) : []
    }),
  ]
}

function find(fields: readonly FieldJson[], name: string): FieldJson | undefined {
  return fields.find(field => field.name === name)
}

function fieldsOf(definition: unknown): readonly FieldJson[] | undefined {
  const fields = (definition as { readonly fields?: unknown } | null)?.fields
  return Array.isArray(fields) ? (fields as readonly FieldJson[]) : undefined
}
