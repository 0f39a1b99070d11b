import { fullTopicName, partitionTopicName } from '@pulsar-io/messaging'
import type { PulsarClient, PulsarConsumer } from '@pulsar-io/messaging-pulsar'
import type { SourceContext } from '@pulsar-io/sdk'
import type { SourceConfig } from './source-options.ts'
import { orAborted } from './wait.ts'

/** Subscribes as the configuration says. Under EFFECTIVELY_ONCE undefined for an instance that no partition is left for. */
export async function subscribe(
  client: PulsarClient,
  config: SourceConfig,
  context: SourceContext,
): Promise<PulsarConsumer | undefined> {
  const { tenant, namespace, name, instanceId, guarantee, signal } = context
  const numbered = guarantee === 'EFFECTIVELY_ONCE'
  const topics = numbered ? await ownShare(client, config.topics, context) : config.topics
  if (config.topicsPattern === '' && topics.length === 0) return undefined
  const id = `${tenant}/${namespace}/${name}`
  const subscribing = client.subscribe({
    ...(config.topicsPattern === '' ? { topics } : { topicsPattern: config.topicsPattern }),
    subscription: config.subscriptionName || id,
    // Messages come again in their order only where nobody else reads the partition.
    type: numbered ? 'Exclusive' : config.subscriptionType,
    initialPosition: config.subscriptionInitialPosition,
    name: `${id}-${instanceId}`,
    properties: { application: 'pulsar-source', id, instance_id: String(instanceId) },
    nackDelayMs: config.negativeAckRedeliveryDelay,
    maxUnsettled: config.receiverQueueSize,
    receiverQueueMessages: config.receiverQueueSize,
    signal,
  })
  return orAborted(subscribing, signal, consumer => consumer.close())
}

/** The partitions that this instance reads: each instance takes the same ones each time. */
async function ownShare(
  client: PulsarClient,
  topics: readonly string[],
  { instanceId, numInstances, signal }: SourceContext,
): Promise<readonly string[]> {
  if (numInstances === 1) return topics
  const parts: string[] = []
  for (const topic of [...new Set(topics.map(fullTopicName))].sort()) {
    const partitions = await orAborted(client.topics.partitions(topic), signal)
    if (partitions === 0) parts.push(topic)
    else for (let i = 0; i < partitions; i++) parts.push(partitionTopicName(topic, i))
  }
  return parts.filter((_, i) => i % numInstances === instanceId)
}
