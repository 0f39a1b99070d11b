import { setTimeout as sleep } from 'node:timers/promises'
import type { SinkConfig } from '@pulsar-io/engine'
import { fullTopicName, type MessagingClient } from '@pulsar-io/messaging'
import { fqnText } from '../kinds.ts'
import type { ConnectorRecord } from '../store/record.ts'

/** Milliseconds between looks whether anybody still uses a subscription. */
const LOOK_EVERY_MS = 100

/**
 * Deletes the subscription of a sink that is gone, once nobody uses it any more. Ends without when the sink is there
 * again, when the signal aborts, or when the sink is to keep it (`cleanupSubscription: false`).
 */
export async function cleanUpSubscription(
  client: MessagingClient,
  record: ConnectorRecord,
  isBack: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  if (record.kind !== 'sink') return
  const config: SinkConfig = record.config
  if (config.cleanupSubscription === false) return
  const subscription = config.sourceSubscriptionName ?? fqnText(record)
  for (const topic of await inputTopics(client, config)) {
    while (!signal.aborted && !isBack()) {
      if (!(await client.topics.exists(topic))) break
      const { subscriptions } = await client.topics.stats(topic)
      const found = subscriptions.find(({ name }) => name === subscription)
      if (found === undefined) break
      if (found.consumers === 0) {
        await client.topics.deleteSubscription(topic, subscription)
        break
      }
      await sleep(LOOK_EVERY_MS)
    }
  }
}

async function inputTopics(client: MessagingClient, config: SinkConfig): Promise<readonly string[]> {
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
