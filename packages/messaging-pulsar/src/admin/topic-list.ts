import { formatTopicName, parseTopicName, splitPartition, topicPattern } from '@pulsar-io/messaging'
import type { AdminClient } from './admin-client.ts'
import { namespacePath } from './paths.ts'

interface Namespace {
  readonly tenant: string
  readonly namespace: string
}

const NOT_FOUND = [404]

/**
 * Full names of all topics, or of those that match a pattern; a partitioned topic once. Asks for one namespace where
 * the pattern names one, otherwise for all, which only a superuser may. Topics of the broker's own are left out.
 */
export async function listTopics(admin: AdminClient, pattern?: string): Promise<readonly string[]> {
  const matches = pattern === undefined ? () => true : topicPattern(pattern)
  const persistence = /^(persistent|non-persistent):\/\//.exec(pattern ?? '')?.[1]
  const kinds = persistence === undefined ? ['persistent', 'non-persistent'] : [persistence]
  const found = new Set<string>()
  for (const namespace of await namespacesOf(admin, pattern)) {
    for (const kind of kinds) {
      for (const topic of await topicsOf(admin, kind, namespace)) {
        if (matches(topic) && !isSystemTopic(topic)) found.add(topic)
      }
    }
  }
  return [...found].sort()
}

async function namespacesOf(admin: AdminClient, pattern: string | undefined): Promise<readonly Namespace[]> {
  const action = 'listing topics'
  const parts = pattern?.replace(/^(persistent|non-persistent):\/\//, '').split('/')
  if (parts !== undefined) {
    const [tenant, namespace] = parts.length >= 3 ? parts : ['public', 'default']
    // Without a character that means something in an expression the pattern says which namespace.
    if (isPlain(tenant) && isPlain(namespace)) return [{ tenant, namespace }]
  }
  const tenants = (await admin.get({ path: '/admin/v2/tenants', action })) as readonly string[]
  const all: Namespace[] = []
  // The tenant `pulsar` holds what brokers keep for themselves.
  for (const tenant of tenants.filter(name => name !== 'pulsar')) {
    const path = `/admin/v2/namespaces/${encodeURIComponent(tenant)}`
    const { value } = await admin.send('GET', { path, action, accept: NOT_FOUND })
    for (const name of Array.isArray(value) ? (value as readonly string[]) : []) {
      all.push({ tenant, namespace: name.slice(tenant.length + 1) })
    }
  }
  return all
}

const isPlain = (part: string | undefined): part is string => part !== undefined && /^[-=:\w]+$/.test(part)

/** Topics of a namespace; none where it is not there. */
async function topicsOf(admin: AdminClient, kind: string, namespace: Namespace): Promise<readonly string[]> {
  const path = `/admin/v2/${kind}/${namespacePath(namespace)}`
  const action = `listing topics of ${namespace.tenant}/${namespace.namespace}`
  const [single, partitioned] = await Promise.all(
    ['', '/partitioned'].map(async end => {
      const { value } = await admin.send('GET', { path: `${path}${end}`, action, accept: NOT_FOUND })
      return Array.isArray(value) ? (value as readonly string[]) : []
    }),
  )
  const parents = new Set(partitioned)
  // The first list names every partition; `x-partition-1` can be a topic by itself, too.
  const alone = (single ?? []).filter(topic => !parents.has(splitPartition(topic).topic))
  return [...parents, ...alone].map(topic => formatTopicName(parseTopicName(topic)))
}

/** Names that brokers reserve, in any namespace. */
function isSystemTopic(topic: string): boolean {
  return /\/(__change_events|__transaction_buffer_snapshot.*|__transaction_pending_ack.*|.*__transaction_pending_ack)$/.test(
    splitPartition(topic).topic,
  )
}
