import { fullTopicName } from '@pulsar-io/messaging'
import type { PulsarClient, PulsarProducer, PulsarProducerOptions } from '@pulsar-io/messaging-pulsar'
import type { SinkContext } from '@pulsar-io/sdk'
import type { SinkConfig } from './sink-options.ts'
import { orAborted } from './wait.ts'

/** Opens a producer as the configuration wants it; given back when nobody waits for it any more. */
export async function openProducer(
  client: PulsarClient,
  config: SinkConfig,
  { signal, tenant, namespace, name, instanceId }: SinkContext,
  more: Pick<PulsarProducerOptions, 'topic' | 'name' | 'routing' | 'singlePartition'>,
): Promise<PulsarProducer> {
  const opening = client.createProducer({
    ...more,
    topic: fullTopicName(more.topic),
    ...(config.schemaType === 'BYTES' ? {} : { schema: { type: config.schemaType } }),
    compression: config.compressionType,
    batching: { keys: config.batchBuilder === 'KEY_BASED' ? 'grouped' : 'mixed' },
    sendTimeoutMs: config.sendTimeout,
    properties: { application: 'pulsar-sink', id: `${tenant}/${namespace}/${name}`, instance_id: String(instanceId) },
    signal,
  })
  return orAborted(opening, signal, producer => producer.close())
}
