import { parseTopicName, type TopicName } from '@pulsar-io/messaging'

/** Path of a namespace below `/admin/v2/persistent` and the like. */
export function namespacePath({ tenant, namespace }: Pick<TopicName, 'tenant' | 'namespace'>): string {
  return `${encodeURIComponent(tenant)}/${encodeURIComponent(namespace)}`
}

/** Path of a topic as routes below `/admin/v2` and `/lookup/v2/topic` have it: `persistent/tenant/namespace/topic`. */
export function topicPath(topic: string): string {
  const name = parseTopicName(topic)
  return `${name.persistence}/${namespacePath(name)}/${encodeURIComponent(name.local)}`
}
