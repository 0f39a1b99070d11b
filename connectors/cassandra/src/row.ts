import { parseJson, type Record, RecordError } from '@pulsar-io/sdk'
import { encode } from './encode.ts'
import { bufferOf } from './encode-bytes.ts'
import { Mismatch, shown } from './mismatch.ts'
import type { Config } from './options.ts'
import type { Column, Table } from './table.ts'
import { columnNamed } from './target.ts'

/** A value as bytes; null deletes it, undefined leaves it as it is. */
export type Cell = Buffer | null | undefined

/** What a record does to the table. */
export interface RowChange {
  readonly kind: 'insert' | 'delete'
  /**
   * For `insert` all columns of the table in their order, and a place for the timestamp behind them; for `delete` those of
   * the primary key.
   */
  readonly cells: Cell[]
  /** The same for rows of the same Cassandra partition. */
  readonly partition: string
}

/** Makes a change of a record; undefined where there is nothing to do. Throws a RecordError with all that is wrong. */
export type RowMaker = (record: Record) => RowChange | undefined

/** The one that the configuration asks for. */
export function rowMaker(table: Table, config: Config): RowMaker {
  return config.keyname === '' ? fieldRows(table, config) : keyValueRows(table, config)
}

/** The last one is for the timestamp. A copy of them is cheaper than an array that grows. */
function emptyCells({ columns }: Table): readonly Cell[] {
  return new Array<Cell>(columns.length + 1).fill(undefined)
}

/** One column for the key and one for the value, as Pulsar's own sink. */
function keyValueRows(table: Table, config: Config): RowMaker {
  const key = columnNamed(table, config.keyname)
  const column = columnNamed(table, config.columnName)
  if (!key || !column) throw new Error('the columns were not checked')
  const at = table.columns.indexOf(column)
  const empty = emptyCells(table)
  return record => {
    const { keyValue, value } = halves(record)
    const gone = value === null || value === undefined
    if (gone && ignored(config)) return undefined
    const problems: string[] = []
    const cells = empty.slice()
    // As in Pulsar: what has no key is its own.
    const own = keyValue ?? value
    if (own === null || own === undefined) problems.push('it has neither a key nor a value')
    else set(cells, 0, key, own, KEY, problems)
    if (gone) return finish(table, 'delete', cells, problems)
    // A text is its bytes here; in a field, JSON's way to say bytes is base64.
    const bytes = column.type.kind === 'blob' && typeof value === 'string' ? Buffer.from(value) : value
    set(cells, at, column, bytes, VALUE, problems)
    return finish(table, 'insert', cells, problems)
  }
}

/** Each field into the column of its name. */
function fieldRows(table: Table, config: Config): RowMaker {
  const targets = new Map<string, Target>()
  const paths = Object.entries(config.mapping).map(([field, column]) => ({
    path: field.split('.'),
    field,
    at: table.columns.findIndex(({ name }) => name === columnNamed(table, column)?.name),
  }))
  const roots = new Set(paths.map(({ path }) => path[0] ?? ''))
  const targetOf = (field: string): Target => {
    const known = targets.get(field)
    if (known !== undefined) return known
    const column = Object.hasOwn(config.mapping, field) ? undefined : columnNamed(table, field)
    const target = column ? table.columns.indexOf(column) : roots.has(field) ? 'mapped' : 'unknown'
    // Names come from the data; without a bound they could fill the memory.
    if (targets.size < 10_000) targets.set(field, target)
    return target
  }
  const fill = (cells: Cell[], fields: Fields, problems: string[]): void => {
    // As Object.keys, but for the array.
    for (const name in fields) {
      if (!Object.hasOwn(fields, name)) continue
      const target = targetOf(name)
      if (target === 'mapped') continue
      if (target === 'unknown') {
        if (config.unknownFields === 'FAIL') problems.push(noColumn(table, name, fields[name]))
        continue
      }
      setField(cells, target, table, fields[name], name, config, problems)
    }
    for (const { path, field, at } of paths) {
      const value = path.reduce<unknown>((inner, name) => (isFields(inner) ? inner[name] : undefined), fields)
      if (value !== undefined) setField(cells, at, table, value, field, config, problems)
    }
  }
  const empty = emptyCells(table)
  return record => {
    const { keyValue, value } = halves(record)
    const problems: string[] = []
    const fields = value === null || value === undefined ? undefined : objectOf(value)
    if (!fields && ignored(config)) return undefined
    const cells = empty.slice()
    const keyFields = keyObject(keyValue)
    if (keyFields) fill(cells, keyFields, problems)
    if (fields) fill(cells, fields, problems)
    completeKey(cells, table, keyFields ? undefined : keyValue, problems)
    return finish(table, fields ? 'insert' : 'delete', cells, problems)
  }
}

/** The place of a column, a field whose parts are mapped, or one without a column. */
type Target = number | 'mapped' | 'unknown'
type Fields = { readonly [name: string]: unknown }

function setField(
  cells: Cell[],
  at: number,
  table: Table,
  value: unknown,
  field: string,
  config: Config,
  problems: string[],
): void {
  const column = table.columns[at]
  if (!column) return
  if (value === null || value === undefined)
    cells[at] = value === null && config.nullFields === 'DELETE' ? null : undefined
  else set(cells, at, column, value, field, problems)
}

function set(
  cells: Cell[],
  at: number,
  { name, type }: Column,
  value: unknown,
  what: string,
  problems: string[],
): void {
  try {
    cells[at] = encode(value, type)
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error
    cells[at] = FAILED
    problems.push(
      `${what === KEY || what === VALUE ? what : `field ${shown(what)}`}${error.at} does not fit column ${name}: ${error.message}`,
    )
  }
}

/** What is set, where it is no field. */
const KEY = 'the key'
const VALUE = 'the value'

/** Stands where a value did not fit, so that the column does not count as missing, too. */
const FAILED = Buffer.alloc(0)

/** A plain key is the one column of the primary key that the fields lack. */
function completeKey(cells: Cell[], table: Table, key: unknown, problems: string[]): void {
  const lacking = table.key.filter((_, i) => cells[i] === undefined || cells[i] === null)
  const [one] = lacking
  if (lacking.length === 1 && one && key !== undefined && key !== null)
    set(cells, table.key.indexOf(one), one, key, KEY, problems)
  else for (const { name } of lacking) problems.push(`neither a field nor the key gives ${name}, of the primary key`)
}

function finish(table: Table, kind: RowChange['kind'], cells: Cell[], problems: readonly string[]): RowChange {
  if (problems.length > 0)
    throw new RecordError(`the record does not fit ${table.keyspace}.${table.name}: ${problems.join('; ')}`, {
      code: 'PIO_CASSANDRA_FIELDS',
    })
  return {
    kind,
    cells: kind === 'insert' ? cells : cells.slice(0, table.key.length),
    partition: partitionOf(cells, table.partitionColumns),
  }
}

function partitionOf(cells: readonly Cell[], count: number): string {
  if (count === 1) return cells[0]?.toString('latin1') ?? ''
  return cells
    .slice(0, count)
    .map(cell => `${cell?.length ?? 0}:${cell?.toString('latin1') ?? ''}`)
    .join('')
}

/** Whether a record without a value is to be skipped. Throws where it is to be a dead letter. */
function ignored({ nullValueAction }: Config): boolean {
  if (nullValueAction === 'FAIL')
    throw new RecordError('the record has no value, and nullValueAction is FAIL', { code: 'PIO_CASSANDRA_NULL' })
  return nullValueAction === 'IGNORE'
}

/** The key and the value, also of a KEY_VALUE record that carries both in its value. */
function halves({ key, keyValue, value, schema }: Record): { readonly keyValue: unknown; readonly value: unknown } {
  if (keyValue !== undefined) return { keyValue, value }
  if (schema?.type === 'KEY_VALUE' && isFields(value) && 'key' in value && 'value' in value)
    return { keyValue: value.key ?? key, value: value.value }
  return { keyValue: key, value }
}

function keyObject(key: unknown): Fields | undefined {
  if (isFields(key)) return key
  if (typeof key !== 'string' || !key.startsWith('{')) return undefined
  try {
    const parsed = parseJson(key)
    return isFields(parsed) ? parsed : undefined
  } catch {
    // A key may start with a brace and be no JSON; then it is just a text.
    return undefined
  }
}

function objectOf(value: unknown): Fields {
  const parsed = typeof value === 'string' || value instanceof Uint8Array ? parsedText(value) : value
  if (isFields(parsed)) return parsed
  if (parsed instanceof Map) return Object.fromEntries(parsed as Map<string, unknown>)
  throw malformed(`it is ${shown(parsed)}`)
}

function parsedText(value: string | Uint8Array): unknown {
  const text = typeof value === 'string' ? value : bufferOf(value).toString('utf8')
  try {
    return parseJson(text)
  } catch (error) {
    throw malformed(`it is not JSON: ${(error as Error).message}`, error)
  }
}

function malformed(what: string, cause?: unknown): RecordError {
  return new RecordError(
    `the value has no fields, ${what}; write a JSON object such as {"a":1}, or set keyname and columnName`,
    { code: 'PIO_CASSANDRA_MALFORMED', cause },
  )
}

function isFields(value: unknown): value is Fields {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Date) &&
    !(value instanceof Map)
  )
}

function noColumn({ keyspace, name }: Table, field: string, value: unknown): string {
  const column = /^[a-z]\w*$/.test(field) ? field : `"${field.replaceAll('"', '""')}"`
  return `there is no column for field ${shown(field)} (ALTER TABLE ${keyspace}.${name} ADD ${column} ${typeFor(value)}, name another in mapping, or set unknownFields to IGNORE)`
}

function typeFor(value: unknown): string {
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'bigint') return 'bigint'
  if (typeof value === 'number') return Number.isInteger(value) ? 'bigint' : 'double'
  if (value instanceof Date) return 'timestamp'
  return value instanceof Uint8Array ? 'blob' : 'text'
}
