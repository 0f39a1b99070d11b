import type { SinkConfig } from '@pulsar-io/engine'
import { fullTopicName, type MessagingClient } from '@pulsar-io/messaging'
import { fqnText } from '../kinds.ts'
import type { ConnectorRecord } from '../store/record.ts'

/** The subscription of a sink. */
export function subscriptionOf(record: ConnectorRecord): string {
  const config: SinkConfig = record.config
  return config.sourceSubscriptionName ?? fqnText(record)
}

/** Full names of the topics that a sink reads; those that match its pattern now. */
export async function inputTopics(client: MessagingClient, config: SinkConfig): Promise<readonly string[]> {
  const specs = Object.entries(config.inputSpecs ?? {})
  const patterns = [
    ...(config.topicsPattern === undefined ? [] : [config.topicsPattern]),
    ...specs.filter(([, spec]) => spec.regexPattern || spec.isRegexPattern).map(([pattern]) => pattern),
  ]
  const named = [
    ...(config.inputs ?? []),
    ...Object.keys(config.topicToSchemaType ?? {}),
    ...Object.keys(config.topicToSerdeClassName ?? {}),
    ...specs.map(([topic]) => topic).filter(topic => !patterns.includes(topic)),
  ]
  const matching = await Promise.all(patterns.map(pattern => client.topics.list(pattern)))
  return [...new Set([...named.map(fullTopicName), ...matching.flat()])]
}
