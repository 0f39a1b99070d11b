import type { Config } from './options.ts'
import type { Table } from './table.ts'

/** A name in CQL, whatever is in it. */
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const place = (keyspace: string, table: string): string => `${quoted(keyspace)}.${quoted(table)}`

/** Takes all columns in their order, and then the timestamp in microseconds. */
export function insertStatement(
  { keyspace, name, columns }: Table,
  { ttlSeconds }: Pick<Config, 'ttlSeconds'>,
): string {
  const names = columns.map(column => quoted(column.name)).join(', ')
  const marks = columns.map(() => '?').join(', ')
  const ttl = ttlSeconds > 0 ? ` AND TTL ${ttlSeconds}` : ''
  return `INSERT INTO ${place(keyspace, name)} (${names}) VALUES (${marks}) USING TIMESTAMP ?${ttl}`
}

/** Takes the timestamp in microseconds, and then the columns of the key. */
export function deleteStatement({ keyspace, name, key }: Table): string {
  const where = key.map(column => `${quoted(column.name)} = ?`).join(' AND ')
  return `DELETE FROM ${place(keyspace, name)} USING TIMESTAMP ? WHERE ${where}`
}

export function createKeyspaceStatement(keyspace: string, datacenter: string, copies: number): string {
  const name = datacenter.replaceAll("'", "''")
  return `CREATE KEYSPACE IF NOT EXISTS ${quoted(keyspace)} WITH replication = {'class': 'NetworkTopologyStrategy', '${name}': ${copies}}`
}

export function createTableStatement(
  keyspace: string,
  { columnFamily, keyname, columnName, tableDefinition }: Config,
): string {
  const columns = tableDefinition || `${quoted(keyname)} text PRIMARY KEY, ${quoted(columnName)} text`
  return `CREATE TABLE IF NOT EXISTS ${place(keyspace, columnFamily)} (${columns})`
}
