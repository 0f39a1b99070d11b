import { auth, Client, policies } from 'cassandra-driver'
import type { Connection, Credentials, Users } from '../types.ts'

/** The user that a server with passwords begins with. */
const FIRST: Credentials = { username: 'cassandra', password: 'cassandra' }

async function withClient<T>(
  { url }: Pick<Connection, 'url'>,
  credentials: Credentials | undefined,
  signal: AbortSignal,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { hostname, port } = new URL(url)
  const loadBalancing = new policies.loadBalancing.RoundRobinPolicy()
  const client = new Client({
    contactPoints: [`${hostname}:${port || 9042}`],
    policies: { loadBalancing },
    socketOptions: { connectTimeout: 2000, readTimeout: 4000 },
    monitorReporting: { enabled: false },
    isMetadataSyncEnabled: false,
    ...(credentials
      ? { authProvider: new auth.PlainTextAuthProvider(credentials.username, credentials.password) }
      : {}),
  })
  try {
    await client.connect()
    signal.throwIfAborted()
    return await work(client)
  } finally {
    await client.shutdown()
  }
}

/** The version of a server that takes queries. */
export function probeCassandra(connection: Connection, signal: AbortSignal): Promise<string> {
  return withClient(connection, connection.credentials, signal, async client => {
    const { rows } = await client.execute('SELECT release_version FROM system.local')
    return String(rows[0]?.release_version)
  })
}

/** As {@link probeCassandra}; makes the users of a server that has just been made and has none but its first one. */
export async function probeSecuredCassandra(connection: Connection & Users, signal: AbortSignal): Promise<string> {
  try {
    return await probeCassandra(connection, signal)
  } catch (error) {
    const { credentials, readOnly } = connection
    if (!credentials || !readOnly || !/credentials|username/i.test(String(error))) throw error
    await withClient(connection, FIRST, signal, async client => {
      // The owner comes last: it can log in only once everything else is done.
      await client.execute(
        `CREATE ROLE IF NOT EXISTS ${readOnly.username} WITH PASSWORD = '${readOnly.password}' AND LOGIN = true`,
      )
      await client.execute(`GRANT SELECT ON ALL KEYSPACES TO ${readOnly.username}`)
      await client.execute(
        `CREATE ROLE IF NOT EXISTS ${credentials.username} WITH PASSWORD = '${credentials.password}' AND LOGIN = true AND SUPERUSER = true`,
      )
    })
    return probeCassandra(connection, signal)
  }
}
