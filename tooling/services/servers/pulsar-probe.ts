import { readFile } from 'node:fs/promises'
import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { rootCertificates } from 'node:tls'
import type { Connection, Users } from '../types.ts'
import { tls } from './pulsar-secured.ts'

/** One request of the admin interface; gives the text of a good answer. Trusts the authority of the tests, too. */
async function ask(
  method: 'GET' | 'POST',
  path: string,
  { adminUrl, credentials }: Connection,
  signal: AbortSignal,
  body?: string,
): Promise<string> {
  if (adminUrl === undefined) throw new Error('the address of the admin interface is not known')
  const headers = {
    ...(credentials ? { authorization: `Bearer ${credentials.password}` } : {}),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  const ca = adminUrl.startsWith('https:') ? [...rootCertificates, await readFile(tls('ca'), 'utf8')] : undefined
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const url = `${adminUrl}${path}`
    const options = { method, headers, signal }
    const outgoing = ca ? secureRequest(url, { ...options, ca }, resolve) : plainRequest(url, options, resolve)
    outgoing.once('error', reject)
    outgoing.end(body)
  })
  const answer = await text(response)
  const status = response.statusCode ?? 0
  if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${answer.slice(0, 300)}`)
  return answer
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
  const namespaces = JSON.parse(await ask('GET', '/admin/v2/namespaces/public', connection, signal)) as string[]
  if (!namespaces.includes('public/default')) throw new Error('the namespace public/default is not there')
  await listens(connection.url, signal)
  return (await ask('GET', '/admin/v2/brokers/version', connection, signal)).trim()
}

/** Passes once a message went through the broker. */
export async function brokerSettled(connection: Connection, signal: AbortSignal): Promise<void> {
  await ask('GET', '/admin/v2/brokers/health', connection, signal)
}

/** Passes once the functions worker takes requests, too. */
export async function workerSettled(connection: Connection, signal: AbortSignal): Promise<void> {
  await brokerSettled(connection, signal)
  await ask('GET', '/admin/v2/worker/cluster/leader', connection, signal)
  // A leader refuses changes until it has read everything.
  const ready = await ask('GET', '/admin/v2/worker/cluster/leader/ready', connection, signal)
  if (ready.trim() !== 'true') throw new Error('the leader of the functions workers is not ready')
}

/** Passes once the user who may only read may do so. */
export async function allowConsuming(connection: Connection & Users, signal: AbortSignal): Promise<void> {
  await brokerSettled(connection, signal)
  const role = connection.readOnly?.username
  if (role === undefined) return
  await ask('POST', `/admin/v2/namespaces/public/default/permissions/${role}`, connection, signal, '["consume"]')
}
