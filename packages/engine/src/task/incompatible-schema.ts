import type { MessagingClient, TopicStats } from '@pulsar-io/messaging'
import { describeIncompatibility } from '@pulsar-io/schema'
import type { SchemaInfo } from '@pulsar-io/sdk'
import { ConfigError, isConnectorError } from '@pulsar-io/sdk/core'
import { messageWithCauses, toError } from '../failure.ts'
import type { TaskServices } from './context.ts'

/** What drivers throw when a topic refuses the schema of a producer. */
const REFUSED = 'PIO_SCHEMA_INCOMPATIBLE'

/**
 * The error to tell an operator when a producer could not be opened: for a schema that the topic refuses one ConfigError
 * with both versions, what differs, and the rule; any other error as it is.
 */
export async function explainRefusal(
  thrown: unknown,
  topic: string,
  proposed: SchemaInfo,
  client: MessagingClient,
  services: TaskServices,
): Promise<unknown> {
  if (!isConnectorError(thrown) || thrown.code !== REFUSED) return thrown
  const ask = async <T>(question: Promise<T> | undefined): Promise<T | undefined> => {
    try {
      return await question
    } catch (error) {
      // Only the details are lost.
      services.stats.systemError(error)
      return undefined
    }
  }
  const [stats, rule] = await Promise.all([
    ask<TopicStats>(client.topics.stats(topic)),
    ask<string | undefined>(client.topics.schemaRule?.(topic)),
  ])
  const message = describeIncompatibility({
    topic,
    existing: stats?.schema,
    proposed,
    rule,
    reason: messageWithCauses(toError(thrown)),
  })
  return new ConfigError([{ path: 'schemaType', message }], { code: REFUSED, cause: thrown })
}
