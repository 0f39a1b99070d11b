import { fullTopicName } from '@pulsar-io/messaging'
import type { ClientContext } from '../context.ts'
import { topicParts } from '../topics-of.ts'
import { type ProducerDefaults, type PulsarProducerOptions, resolveProducerOptions } from './options.ts'
import { PartitionProducer } from './partition-producer.ts'
import { PulsarProducer } from './producer.ts'

/** Opens a producer on each partition of a topic. Rejects with what the broker says, leaving nothing open. */
export async function openProducer(
  context: ClientContext,
  options: PulsarProducerOptions,
  defaults: ProducerDefaults,
  onClose: (producer: PulsarProducer) => void,
): Promise<PulsarProducer> {
  options.signal?.throwIfAborted()
  const topic = fullTopicName(options.topic)
  const resolved = resolveProducerOptions(options, defaults)
  const { parts } = await topicParts(context, topic, true)
  let producer: PulsarProducer | undefined
  const make = (partition: string, name: string | undefined) =>
    new PartitionProducer({
      context,
      topic: partition,
      name,
      access: options.access ?? 'Shared',
      schema: options.schema,
      properties: options.properties,
      initialSubscription: options.initialSubscription,
      options: resolved,
      onFailure: error => producer?.failed(error),
    })
  const opened: PartitionProducer[] = []
  try {
    // The first one gets a name from the broker where none was given; all partitions share it.
    const first = make(parts[0]?.topic ?? topic, options.name)
    opened.push(first)
    await first.open(options.signal)
    const rest = parts.slice(1).map(part => make(part.topic, options.name ?? first.name))
    opened.push(...rest)
    const results = await Promise.allSettled(rest.map(one => one.open(options.signal)))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  } catch (error) {
    await Promise.allSettled(opened.map(one => one.close()))
    throw error
  }
  producer = new PulsarProducer(topic, opened, resolved, () => {
    if (producer !== undefined) onClose(producer)
  })
  return producer
}
