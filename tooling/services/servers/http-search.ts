import type { Connection } from '../types.ts'

interface Root {
  readonly version?: { readonly number?: string; readonly distribution?: string }
}

async function get(path: string, { url, credentials }: Connection, signal: AbortSignal): Promise<unknown> {
  const headers = new Headers({ accept: 'application/json' })
  if (credentials) {
    const token = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')
    headers.set('authorization', `Basic ${token}`)
  }
  const response = await fetch(`${url}${path}`, { headers, signal })
  const text = await response.text()
  if (!response.ok) throw new Error(`GET ${path} answered ${response.status}: ${text.slice(0, 300)}`)
  return JSON.parse(text)
}

/** The version of an Elasticsearch or OpenSearch whose cluster is at least yellow. */
export async function probeSearch(connection: Connection, signal: AbortSignal): Promise<string> {
  await get('/_cluster/health?wait_for_status=yellow&timeout=1s', connection, signal)
  const root = (await get('/', connection, signal)) as Root
  if (!root.version?.number) throw new Error('GET / answered without a version')
  return root.version.number
}

/**
 * Passes once the index of users can be read. The server creates it some hundred milliseconds after its start, to hold
 * the built-in roles, and refuses every user while it is being created.
 */
export async function securityIndexReady(connection: Connection, signal: AbortSignal): Promise<void> {
  await get('/_cluster/health/.security-7?wait_for_status=yellow&timeout=3s', connection, signal)
}
