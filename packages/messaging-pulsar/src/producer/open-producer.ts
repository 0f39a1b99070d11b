import { fullTopicName } from '@pulsar-io/messaging'
import type { SchemaInfo } from '@pulsar-io/sdk'
import { ConfigError } from '@pulsar-io/sdk/core'
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
  const schema = await registrable(context, topic, options.schema)
  let producer: PulsarProducer | undefined
  const make = (partition: string, name: string | undefined) =>
    new PartitionProducer({
      context,
      topic: partition,
      name,
      access: options.access ?? 'Shared',
      schema,
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

/**
 * What the registry of the cluster can hold. It takes JSON only with a definition of the fields; JSON of any shape goes by
 * the definition that the topic has, and where it has none, without a schema, so that whoever knows the fields may still
 * register them. Throws a ConfigError (`PIO_SCHEMA_INCOMPATIBLE`) for a topic of another type.
 */
async function registrable(
  context: ClientContext,
  topic: string,
  schema: SchemaInfo | undefined,
): Promise<SchemaInfo | undefined> {
  if (schema?.type !== 'JSON' || schema.definition !== undefined) return schema
  const present = await context.schemas.latest(topic)
  if (present === undefined || present.type === 'JSON') return present
  throw new ConfigError(
    [{ path: 'schema', message: `${topic} has a schema of type ${present.type}, and JSON does not fit it` }],
    { code: 'PIO_SCHEMA_INCOMPATIBLE' },
  )
}
