import type { Record, SchemaInfo } from '@pulsar-io/sdk'

/** A part of an Avro schema, as far as it decides on a type. */
interface AvroType {
  readonly type?: unknown
  readonly logicalType?: unknown
  readonly precision?: unknown
  readonly scale?: unknown
  readonly items?: unknown
  readonly fields?: unknown
}

const SIMPLE: { readonly [type: string]: string } = {
  boolean: 'boolean',
  int: 'integer',
  long: 'bigint',
  float: 'real',
  double: 'double precision',
  string: 'text',
  enum: 'text',
  bytes: 'bytea',
  fixed: 'bytea',
}

const LOGICAL: { readonly [type: string]: string } = {
  date: 'date',
  'time-millis': 'time',
  'timestamp-millis': 'timestamptz',
  'local-timestamp-millis': 'timestamp',
  uuid: 'uuid',
}

/** Their numbers come as such where the value is JSON, and would be taken for milliseconds. */
const LOGICAL_OF_AVRO: { readonly [type: string]: string } = {
  ...LOGICAL,
  'time-micros': 'time',
  'timestamp-micros': 'timestamptz',
  'local-timestamp-micros': 'timestamp',
}

/**
 * The columns that hold what a record's schema describes, by name, with their types; undefined where it describes no
 * fields. Of a KEY_VALUE record both halves, and the value's where both have a field. A column in `key` that the
 * schema does not have comes from the message key, and is a text.
 */
export function columnsOf({ schema }: Record, key: readonly string[]): { readonly [name: string]: string } | undefined {
  const halves = schema?.keyValue ? [schema.keyValue.key, schema.keyValue.value] : schema ? [schema] : []
  const columns: { [name: string]: string } = {}
  for (const half of halves) Object.assign(columns, columnsOfFields(half))
  if (Object.keys(columns).length === 0) return undefined
  for (const name of key) columns[name] ??= 'text'
  return columns
}

function columnsOfFields({ type, definition }: SchemaInfo): { [name: string]: string } {
  if ((type !== 'AVRO' && type !== 'JSON') || definition === undefined) return {}
  const logical = type === 'AVRO' ? LOGICAL_OF_AVRO : LOGICAL
  const { fields } = parsed(definition)
  if (!Array.isArray(fields)) return {}
  const columns: { [name: string]: string } = {}
  for (const field of fields as readonly { readonly name?: unknown; readonly type?: unknown }[])
    if (typeof field?.name === 'string') columns[field.name] = columnType(field.type, logical)
  return columns
}

function parsed(definition: string): AvroType {
  try {
    const value: unknown = JSON.parse(definition)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    // What is no Avro schema describes no fields; the runtime could not have decoded a record with it either.
    return {}
  }
}

function columnType(avro: unknown, logical: { readonly [type: string]: string }): string {
  if (Array.isArray(avro)) {
    const branches = avro.filter(branch => branch !== 'null')
    return branches.length === 1 ? columnType(branches[0], logical) : 'jsonb'
  }
  if (typeof avro === 'string') return SIMPLE[avro] ?? 'jsonb'
  if (typeof avro !== 'object' || avro === null) return 'jsonb'
  const { type, logicalType, precision, scale, items } = avro as AvroType
  if (logicalType === 'decimal')
    return Number.isInteger(precision) ? `numeric(${Number(precision)},${Number(scale ?? 0)})` : 'numeric'
  const known = typeof logicalType === 'string' ? logical[logicalType] : undefined
  if (known !== undefined) return known
  if (type === 'array') {
    const item = columnType(items, logical)
    // A list of lists may be ragged, which no array of PostgreSQL is.
    return item === 'jsonb' || item.endsWith('[]') ? 'jsonb' : `${item}[]`
  }
  return columnType(type, logical)
}
