import { randomUUID } from 'node:crypto'
import { service } from '../../tooling/services/index.ts'

/** The cluster that the tests of this file share. */
export const pulsar = await service('pulsar')

/** Flags of the command that name the cluster. */
export const clusterFlags: readonly string[] = pulsar.available
  ? ['--broker-service-url', pulsar.url, '--web-service-url', pulsar.adminUrl ?? '']
  : []

/** Calls the cluster's admin REST interface. */
export async function admin(method: string, path: string, body?: unknown): Promise<unknown> {
  if (!pulsar.available) throw new Error(pulsar.reason)
  const answer = await fetch(`${pulsar.adminUrl}/admin/v2/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

/** Makes a namespace of one's own: `public/<name>`. */
export async function freshNamespace({ deduplication = false } = {}): Promise<string> {
  const namespace = `public/test-${randomUUID().slice(0, 8)}`
  await admin('PUT', `namespaces/${namespace}`)
  await admin('POST', `namespaces/${namespace}/deduplication`, deduplication)
  return namespace
}
