import { partitionTopicName, splitPartition } from '@pulsar-io/messaging'
import type { ClientContext } from './context.ts'

/** A topic and what it consists of. */
export interface TopicParts {
  /** Full name, as it was asked for. */
  readonly topic: string
  /** Full names of the partitions; the topic itself for one without. */
  readonly parts: readonly { readonly topic: string; readonly partition: number }[]
}

/** Asks for the partitions of a topic. One partition of a topic may be named, too. */
export async function topicParts(context: ClientContext, topic: string, create: boolean): Promise<TopicParts> {
  const { partition } = splitPartition(topic)
  const count = partition >= 0 ? 0 : await context.lookup.partitions(topic, create)
  if (count === 0) return { topic, parts: [{ topic, partition: Math.max(0, partition) }] }
  const parts = Array.from({ length: count }, (_, i) => ({ topic: partitionTopicName(topic, i), partition: i }))
  return { topic, parts }
}
