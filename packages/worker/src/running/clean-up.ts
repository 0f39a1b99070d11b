import { setTimeout as sleep } from 'node:timers/promises'
import type { SinkConfig } from '@pulsar-io/engine'
import type { MessagingClient } from '@pulsar-io/messaging'
import type { ConnectorRecord } from '../store/record.ts'
import { inputTopics, subscriptionOf } from './subscription.ts'

/** Milliseconds between looks whether anybody still uses a subscription. */
const LOOK_EVERY_MS = 100

/**
 * Deletes the subscription of a sink that is gone, once nobody uses it any more. Ends without when the sink is there
 * again, or is to keep it (`cleanupSubscription: false`). Rejects when the signal aborts while somebody still uses it.
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
  const subscription = subscriptionOf(record)
  for (const topic of await inputTopics(client, config)) {
    while (!isBack()) {
      if (!(await client.topics.exists(topic))) break
      const { subscriptions } = await client.topics.stats(topic)
      const found = subscriptions.find(({ name }) => name === subscription)
      if (found === undefined) break
      if (found.consumers === 0) {
        await client.topics.deleteSubscription(topic, subscription)
        break
      }
      if (signal.aborted) throw new Error(`${subscription} of ${topic} is still in use`)
      await sleep(LOOK_EVERY_MS)
    }
  }
}
