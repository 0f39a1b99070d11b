import type { Row, Session } from './client.ts'
import { parseTableName, quote } from './identifier.ts'
import type { TypeName } from './values.ts'

/** A column as the catalog describes it. */
export interface Column {
  readonly name: string
  /** As an operator writes it, for example `numeric(10,2)`. */
  readonly declared: string
  readonly type: TypeName
  /** Null is refused. */
  readonly notNull: boolean
  /** What is not given is filled in by the server. */
  readonly filled: boolean
  /** Always computed by the server; cannot be written. */
  readonly generated: boolean
  /** `GENERATED ALWAYS AS IDENTITY`. */
  readonly identityAlways: boolean
}

/** A table as the catalog describes it. */
export interface Table {
  /** `public.metrics` */
  readonly name: string
  /** The same as SQL takes it. */
  readonly sql: string
  readonly schema: string
  /** The name without the schema. */
  readonly relation: string
  /** The letter of `pg_class.relkind`. */
  readonly kind: string
  readonly columns: readonly Column[]
  /** Columns of each unique index that `ON CONFLICT` can use, sorted. */
  readonly uniqueKeys: readonly (readonly string[])[]
  /** Row level security applies to us, and `COPY` is refused. */
  readonly rowSecurity: boolean
}

/** Looks a table up, first as it is written, then in lower case, as SQL reads names. undefined when there is none. */
export async function findTable(session: Session, tableName: string): Promise<Table | undefined> {
  const parts = parseTableName(tableName)
  const folded = parts.map(part => part.toLowerCase())
  const spellings = new Set([parts.map(quote).join('.'), folded.map(quote).join('.')])
  for (const spelling of spellings) {
    const [row] = await session.query(TABLE, [spelling])
    if (row) return describe(session, row)
  }
  return undefined
}

/** Names of the tables that one could have meant. */
export async function tableNames(session: Session): Promise<string[]> {
  const rows = await session.query(
    `SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
     WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_schema NOT LIKE '\\_timescaledb\\_%'
     ORDER BY 1 LIMIT 500`,
  )
  return rows.map(row => String(row.name))
}

const TABLE = `SELECT c.oid::text AS oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
    row_security_active(c.oid) AS "rowSecurity"
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`

// A domain is what it stands for, however many stand behind each other.
const COLUMNS = `WITH RECURSIVE base AS (
    SELECT a.attnum, t.typtype, t.typbasetype, t.typname, t.typcategory, t.typelem
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = $1::text::oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
    SELECT b.attnum, t.typtype, t.typbasetype, t.typname, t.typcategory, t.typelem
    FROM base b JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd')
  SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS declared,
    coalesce(e.typname, b.typname)::text AS base, b.typcategory = 'A' AS array,
    a.attnotnull AS "notNull", a.atthasdef OR a.attidentity <> '' AS filled,
    a.attgenerated <> '' AS generated, a.attidentity = 'a' AS "identityAlways"
  FROM pg_attribute a JOIN base b ON b.attnum = a.attnum AND b.typtype <> 'd'
  LEFT JOIN pg_type e ON b.typcategory = 'A' AND e.oid = b.typelem
  WHERE a.attrelid = $1::text::oid ORDER BY a.attnum`

const UNIQUE_KEYS = `SELECT array_agg(a.attname::text ORDER BY a.attname::text) AS columns
  FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
  WHERE i.indrelid = $1::text::oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
    AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
  GROUP BY i.indexrelid`

async function describe(session: Session, row: Row): Promise<Table> {
  const [schema, name] = [String(row.schema), String(row.name)]
  const columns = await session.query(COLUMNS, [row.oid])
  const uniqueKeys = await session.query(UNIQUE_KEYS, [row.oid])
  return {
    name: `${schema}.${name}`,
    sql: `${quote(schema)}.${quote(name)}`,
    schema,
    relation: name,
    kind: String(row.kind),
    columns: columns.map(describeColumn),
    uniqueKeys: uniqueKeys.map(index => index.columns as readonly string[]),
    rowSecurity: row.rowSecurity === true,
  }
}

function describeColumn(row: Row): Column {
  return {
    name: String(row.name),
    declared: String(row.declared),
    type: { base: String(row.base), array: row.array === true },
    notNull: row.notNull === true,
    filled: row.filled === true,
    generated: row.generated === true,
    identityAlways: row.identityAlways === true,
  }
}
