import { connect } from 'node:net'
import type { Connection } from '../types.ts'

/** One GET of the admin interface; gives the text of a good answer. */
async function get(path: string, { adminUrl, credentials }: Connection, signal: AbortSignal): Promise<string> {
  if (adminUrl === undefined) throw new Error('the address of the admin interface is not known')
  const headers = new Headers(credentials ? { authorization: `Bearer ${credentials.password}` } : {})
  const response = await fetch(`${adminUrl}${path}`, { headers, signal })
  const text = await response.text()
  if (!response.ok) throw new Error(`GET ${path} answered ${response.status}: ${text.slice(0, 300)}`)
  return text
}

/** Passes when somebody listens at the address of the binary protocol. */
function listens(address: string, signal: AbortSignal): Promise<void> {
  const url = new URL(address)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port: Number(url.port || 6650), signal })
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}

/** The version of a broker that serves `public/default`. */
export async function probeBroker(connection: Connection, signal: AbortSignal): Promise<string> {
  const namespaces = JSON.parse(await get('/admin/v2/namespaces/public', connection, signal)) as string[]
  if (!namespaces.includes('public/default')) throw new Error('the namespace public/default is not there')
  await listens(connection.url, signal)
  return (await get('/admin/v2/brokers/version', connection, signal)).trim()
}

/** Passes once a message went through the broker. */
export async function brokerSettled(connection: Connection, signal: AbortSignal): Promise<void> {
  await get('/admin/v2/brokers/health', connection, signal)
}

/** Passes once the functions worker takes requests, too. */
export async function workerSettled(connection: Connection, signal: AbortSignal): Promise<void> {
  await brokerSettled(connection, signal)
  await get('/admin/v2/worker/cluster/leader', connection, signal)
}
