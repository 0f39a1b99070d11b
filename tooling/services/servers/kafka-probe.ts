import { readFile } from 'node:fs/promises'
import {
  AclOperations,
  AclPermissionTypes,
  Admin,
  Base,
  type BaseOptions,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka'
import type { Connection } from '../types.ts'
import { authority } from './kafka-home.ts'

async function options({ url, credentials }: Connection): Promise<BaseOptions> {
  const { hostname, port } = new URL(url)
  return {
    clientId: 'services',
    bootstrapBrokers: [{ host: hostname, port: Number(port || 9092) }],
    retries: 0,
    connectTimeout: 2_000,
    ...(credentials
      ? { sasl: { mechanism: 'PLAIN' as const, ...credentials }, tls: { ca: await readFile(authority) } }
      : {}),
  }
}

/** A server does not tell its version; the newest form of its Fetch request stands in for it. */
export async function probeKafka(connection: Connection, signal: AbortSignal): Promise<string> {
  const client = new Base(await options(connection))
  const end = (): void => void client.close().catch(() => undefined)
  signal.addEventListener('abort', end, { once: true })
  try {
    const { brokers } = await client.metadata({ topics: [] })
    if (brokers.size === 0) throw new Error('the cluster has no broker yet')
    const fetch = (await client.listApis()).find(({ name }) => name === 'Fetch')
    return `Fetch v${fetch?.maxVersion}`
  } finally {
    signal.removeEventListener('abort', end)
    await client.close()
  }
}

/** Lets the second user read, and nothing else. */
export async function allowReading(
  connection: Connection & { readonly readOnly?: { username: string } },
): Promise<void> {
  const admin = new Admin(await options(connection))
  try {
    const rule = {
      resourceName: '*',
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: 'User:reader',
      host: '*',
      permissionType: AclPermissionTypes.ALLOW,
    }
    await admin.createAcls({
      creations: [
        { ...rule, resourceType: ResourceTypes.TOPIC, operation: AclOperations.READ },
        { ...rule, resourceType: ResourceTypes.GROUP, operation: AclOperations.READ },
      ],
    })
  } finally {
    await admin.close()
  }
}
