import { type CqlType, parseType, type UserTypes } from './cql-type.ts'

/** A column of a table. */
export interface Column {
  readonly name: string
  readonly type: CqlType
  readonly kind: 'partition_key' | 'clustering' | 'regular' | 'static'
}

/** What the server knows of a table. */
export interface Table {
  readonly keyspace: string
  readonly name: string
  /** Partition key, clustering columns, and then the others by name. */
  readonly columns: readonly Column[]
  /** Columns of the primary key, in its order. */
  readonly key: readonly Column[]
  /** How many of the columns of the key make the partition. */
  readonly partitionColumns: number
}

/** Asks for rows of the server's own tables. */
export type Ask = (cql: string, values: readonly string[]) => Promise<readonly { readonly [column: string]: unknown }[]>

/** The keyspace as the server spells it: as it is written, or else in lower case, as CQL would read it. */
export async function findKeyspace(ask: Ask, name: string): Promise<string | undefined> {
  for (const spelt of spellings(name)) {
    const rows = await ask('SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?', [spelt])
    if (rows.length > 0) return spelt
  }
  return undefined
}

/** The table of a keyspace, found by the same rule; undefined where there is none. */
export async function findTable(ask: Ask, keyspace: string, name: string): Promise<Table | undefined> {
  for (const spelt of spellings(name)) {
    const rows = await ask(
      'SELECT column_name, type, kind, position FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ?',
      [keyspace, spelt],
    )
    if (rows.length > 0)
      return tableOf(keyspace, spelt, rows as unknown as readonly ColumnRow[], await userTypes(ask, keyspace))
  }
  return undefined
}

const spellings = (name: string): readonly string[] => [...new Set([name, name.toLowerCase()])]

interface ColumnRow {
  readonly column_name: string
  readonly type: string
  readonly kind: Column['kind']
  readonly position: number
}

const RANK = { partition_key: 0, clustering: 1, static: 2, regular: 2 } as const

function tableOf(keyspace: string, name: string, rows: readonly ColumnRow[], types: UserTypes): Table {
  const sorted = [...rows].sort(
    (a, b) => RANK[a.kind] - RANK[b.kind] || a.position - b.position || (a.column_name < b.column_name ? -1 : 1),
  )
  const columns = sorted.map(row => ({ name: row.column_name, type: parseType(row.type, types), kind: row.kind }))
  return {
    keyspace,
    name,
    columns,
    key: columns.filter(column => RANK[column.kind] < 2),
    partitionColumns: columns.filter(column => column.kind === 'partition_key').length,
  }
}

async function userTypes(ask: Ask, keyspace: string): Promise<UserTypes> {
  const rows = await ask(
    'SELECT type_name, field_names, field_types FROM system_schema.types WHERE keyspace_name = ?',
    [keyspace],
  )
  return new Map(
    rows.map(row => {
      const names = row.field_names as readonly string[]
      const fieldTypes = row.field_types as readonly string[]
      return [String(row.type_name), names.map((field, i) => [field, fieldTypes[i] ?? ''] as const)]
    }),
  )
}
