import { ConfigError } from '@pulsar-io/sdk/core'

/** A topic's full name in its parts. */
export interface TopicName {
  readonly persistence: 'persistent' | 'non-persistent'
  readonly tenant: string
  readonly namespace: string
  readonly local: string
}

const PART = /^[-=:.\w]+$/

/**
 * Reads a topic name as Pulsar does: `t` is `persistent://public/default/t`, `tenant/ns/t` is
 * `persistent://tenant/ns/t`, anything else is the full form.
 * Throws a ConfigError (`PIO_TOPIC_NAME`) for anything else.
 */
export function parseTopicName(text: string): TopicName {
  const match = /^(?:(persistent|non-persistent):\/\/)?(.+)$/.exec(text)
  const scheme = match?.[1] as TopicName['persistence'] | undefined
  const parts = (match?.[2] ?? '').split('/')
  const [tenant, namespace, ...local] =
    parts.length === 1 && scheme === undefined ? ['public', 'default', ...parts] : parts
  if (
    !tenant ||
    !namespace ||
    local.length === 0 ||
    local.some(part => part === '') ||
    !PART.test(tenant) ||
    !PART.test(namespace)
  ) {
    throw new ConfigError(
      [
        {
          path: '',
          message: `not a topic name: ${JSON.stringify(text)}; write topic, tenant/namespace/topic or persistent://tenant/namespace/topic`,
        },
      ],
      { code: 'PIO_TOPIC_NAME' },
    )
  }
  return { persistence: scheme ?? 'persistent', tenant, namespace, local: local.join('/') }
}

/** The full form, `persistent://tenant/namespace/topic`. */
export function formatTopicName(name: TopicName): string {
  return `${name.persistence}://${name.tenant}/${name.namespace}/${name.local}`
}

/** The full form of any spelling of a topic name. Throws as {@link parseTopicName}. */
export function fullTopicName(text: string): string {
  return formatTopicName(parseTopicName(text))
}

/** Name of one partition of a partitioned topic, `…-partition-N`. */
export function partitionTopicName(topic: string, partition: number): string {
  return `${fullTopicName(topic)}-partition-${partition}`
}

/** The partitioned topic and the partition that a name ends with; partition -1 where it has none. */
export function splitPartition(topic: string): { readonly topic: string; readonly partition: number } {
  const match = /^(.*)-partition-(\d+)$/.exec(topic)
  return match ? { topic: match[1] ?? topic, partition: Number(match[2]) } : { topic, partition: -1 }
}

/**
 * Whether a full topic name matches a pattern: a regular expression over the name with or without its scheme, as in
 * Pulsar (`public/default/orders-.*`, `persistent://public/default/.*`), or over the local name in `public/default`.
 * The whole name has to match.
 */
export function topicPattern(pattern: string): (fullName: string) => boolean {
  const bare = pattern.replace(/^(persistent|non-persistent):\/\//, '')
  const scoped = bare.split('/').length >= 3 ? bare : `public/default/${bare}`
  let expression: RegExp
  try {
    expression = new RegExp(`^(?:${scoped})$`)
  } catch (error) {
    throw new ConfigError(
      [{ path: '', message: `not a topic pattern: ${JSON.stringify(pattern)}: ${(error as Error).message}` }],
      {
        code: 'PIO_TOPIC_PATTERN',
        cause: error,
      },
    )
  }
  return fullName => expression.test(fullName.replace(/^(persistent|non-persistent):\/\//, ''))
}
