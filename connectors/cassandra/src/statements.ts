import type { Config } from './options.ts'
import type { Table } from './table.ts'

/** A name in CQL, whatever is in it. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const place = (keyspace: string, table: string): string => `${quoted(keyspace)}.${quoted(table)}`

/** Takes all columns in their order, and then the timestamp in microseconds, where records say it. */
export function insertStatement(
  { keyspace, name, columns }: Table,
  { ttlSeconds, writeTimestamp }: Pick<Config, 'ttlSeconds' | 'writeTimestamp'>,
): string {
  const using = [
    ...(writeTimestamp === 'POSITION' ? ['TIMESTAMP ?'] : []),
    ...(ttlSeconds > 0 ? [`TTL ${ttlSeconds}`] : []),
  ]
  const names = columns.map(column => quoted(column.name)).join(', ')
  const marks = columns.map(() => '?').join(', ')
  return `INSERT INTO ${place(keyspace, name)} (${names}) VALUES (${marks})${using.length > 0 ? ` USING ${using.join(' AND ')}` : ''}`
}

/** Takes the timestamp in microseconds, where records say it, and then the columns of the key. */
export function deleteStatement(
  { keyspace, name, key }: Table,
  { writeTimestamp }: Pick<Config, 'writeTimestamp'>,
): string {
  const using = writeTimestamp === 'POSITION' ? ' USING TIMESTAMP ?' : ''
  return `DELETE FROM ${place(keyspace, name)}${using} WHERE ${key.map(column => `${quoted(column.name)} = ?`).join(' AND ')}`
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
