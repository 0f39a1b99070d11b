import { randomBytes } from 'node:crypto'
import type { AvailableService } from '../services/index.ts'

/** Calls the admin interface of a cluster. */
async function adminCall(cluster: AvailableService, method: string, path: string, body?: unknown) {
  const answer = await fetch(`${cluster.adminUrl}/admin/v2/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

/** A namespace of one's own that deduplicates, and keeps what was published: `public/<name>`. */
export async function benchNamespace(cluster: AvailableService): Promise<string> {
  const namespace = `public/bench-${randomBytes(4).toString('hex')}`
  await adminCall(cluster, 'PUT', `namespaces/${namespace}`)
  await adminCall(cluster, 'POST', `namespaces/${namespace}/deduplication`, true)
  const retention = { retentionTimeInMinutes: -1, retentionSizeInMB: -1 }
  await adminCall(cluster, 'POST', `namespaces/${namespace}/retention`, retention)
  return namespace
}

/** Messages that were published to a topic since its broker began to serve it; none before there is such a topic. */
export async function publishedTo(cluster: AvailableService, topic: string): Promise<number> {
  try {
    const stats = (await adminCall(cluster, 'GET', `${topic.replace('://', '/')}/stats`)) as { msgInCounter: number }
    return stats.msgInCounter
  } catch (error) {
    if (String(error).includes(' 404 ')) return 0
    throw error
  }
}

/** What waits for a subscription, a batch counted as one; undefined before there is such a subscription. */
export async function waitingIn(
  cluster: AvailableService,
  topic: string,
  subscription: string,
): Promise<number | undefined> {
  const stats = (await adminCall(cluster, 'GET', `${topic.replace('://', '/')}/stats`)) as {
    subscriptions: { [name: string]: { msgBacklog: number } }
  }
  return stats.subscriptions[subscription]?.msgBacklog
}
