import { randomUUID } from 'node:crypto'
import { type TcpProxy, tcpProxy } from '@pulsar-io/testkit'
import { type AvailableService, service } from '../../tooling/services/index.ts'

/** A cluster to test on. */
export type ClusterService = AvailableService

/** The cluster that the tests of this file share. */
export const pulsar = await service('pulsar')

/** Flags of the command that name a cluster. */
export function clusterFlagsOf({ url, adminUrl = '' }: ClusterService): readonly string[] {
  return ['--broker-service-url', url, '--web-service-url', adminUrl]
}

/** Flags of the command that name the shared cluster. */
export const clusterFlags: readonly string[] = pulsar.available ? clusterFlagsOf(pulsar) : []

/** Calls a cluster's admin REST interface. */
export function adminOf({ adminUrl = '' }: ClusterService) {
  return async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(`${adminUrl}/admin/v2/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
}

/** Makes a namespace of one's own: `public/<name>`. */
export async function freshNamespace(options: {
  readonly deduplication?: boolean
  readonly cluster?: ClusterService
}): Promise<string> {
  const { deduplication = false, cluster = pulsar } = options
  if (!cluster.available) throw new Error(cluster.reason)
  const admin = adminOf(cluster)
  const namespace = `public/test-${randomUUID().slice(0, 8)}`
  await admin('PUT', `namespaces/${namespace}`)
  await admin('POST', `namespaces/${namespace}/deduplication`, deduplication)
  return namespace
}

/**
 * A proxy in front of a broker that was started here, through which a client gets at every topic: its listener `proxied`
 * gives the proxy's address as its own. One at a time.
 */
export async function brokerProxy(cluster: ClusterService): Promise<TcpProxy> {
  const settings = (await adminOf(cluster)('GET', 'brokers/configuration/runtime')) as {
    readonly [name: string]: string
  }
  const at = (setting: string) => /proxied:pulsar:\/\/([^,]+)/.exec(settings[setting] ?? '')?.[1]
  const [target, advertised] = [at('bindAddresses'), at('advertisedListeners')]
  if (target === undefined || advertised === undefined) throw new Error('the broker has no listener named proxied')
  return tcpProxy(`pulsar://${target}`, Number(new URL(`tcp://${advertised}`).port))
}
