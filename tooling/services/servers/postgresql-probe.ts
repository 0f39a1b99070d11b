import pg from 'pg'
import type { Connection } from '../types.ts'

/** Connects and asks for the server's version. */
export async function probePostgresql(connection: Connection, signal: AbortSignal): Promise<string> {
  return ask(connection, signal, `SELECT current_setting('server_version')`)
}

/** As {@link probePostgresql}, for TimescaleDB: the version of the extension. @throws when the database lacks it. */
export async function probeTimescale(connection: Connection, signal: AbortSignal): Promise<string> {
  const version = `(SELECT extversion FROM pg_extension WHERE extname = 'timescaledb')`
  const said = await ask(connection, signal, `SELECT coalesce(${version}, '')`)
  if (said === '') throw new Error('the extension timescaledb is not in the database; CREATE EXTENSION timescaledb')
  return said
}

async function ask({ url, credentials }: Connection, signal: AbortSignal, question: string): Promise<string> {
  const { hostname, port, pathname } = new URL(url)
  const client = new pg.Client({
    host: hostname,
    port: Number(port || 5432),
    user: credentials?.username ?? 'postgres',
    password: credentials?.password ?? '',
    database: decodeURIComponent(pathname.slice(1)) || 'postgres',
    ssl: false,
    connectionTimeoutMillis: 3000,
    query_timeout: 3000,
  })
  // A connection that breaks rejects what is asked of it; without a listener it would end the process, too.
  client.on('error', () => undefined)
  try {
    await client.connect()
    signal.throwIfAborted()
    const { rows } = await client.query<{ readonly [column: string]: string }>(question)
    return String(Object.values(rows[0] ?? {})[0] ?? '').replace(/ .*/, '')
  } finally {
    await client.end()
  }
}
