import { type BatchPolicy, defineSink, defineSource } from '@pulsar-io/sdk'
import { type SinkConfig, sinkOptions, sourceOptions } from './options.ts'
import { deserializer } from './serde.ts'
import { KafkaSink } from './sink.ts'
import { KafkaSource } from './source.ts'

const MIB = 1024 * 1024

/** How the runtime gathers records for one write. */
export function batchPolicy(config: SinkConfig): BatchPolicy {
  return {
    // More costs more memory than it saves requests.
    maxRecords: 5000,
    maxBytes: Math.max(4 * MIB, config.maxRequestSize),
    maxDelayMs: config.producerConfigProperties['linger.ms'] ?? 5,
    // Requests are in flight to all servers at once; a second batch would only have to wait for the first one's numbers.
    maxInFlight: 1,
  }
}

export const sink = defineSink({
  name: 'kafka',
  summary: 'Writes records to Kafka topics.',
  config: sinkOptions,
  delivery: 'transactional',
  atomic: 'effectively-once',
  batch: batchPolicy,
  create: () => new KafkaSink(),
})

export const source = defineSource({
  name: 'kafka',
  summary: 'Reads records from Kafka topics.',
  config: sourceOptions,
  delivery: 'replayable',
  schema: config => ({ type: deserializer(config.valueDeserializationClass).schema }),
  create: () => new KafkaSource(),
})
