import { type BatchPolicy, defineSink } from '@pulsar-io/sdk'
import { type Config, options } from './options.ts'
import { ElasticsearchSink } from './sink.ts'

const MIB = 1024 * 1024

/** How the runtime gathers records for one bulk request. */
export function batchPolicy(config: Config): BatchPolicy {
  const { bulkEnabled, bulkActions, bulkSizeInMb, bulkFlushIntervalInMs, bulkConcurrentRequests } = config
  return {
    maxRecords: bulkActions > 0 ? bulkActions : 10_000,
    maxBytes: (bulkSizeInMb > 0 ? bulkSizeInMb : 50) * MIB,
    maxDelayMs: bulkEnabled && bulkFlushIntervalInMs > 0 ? bulkFlushIntervalInMs : 10,
    maxInFlight: Math.max(1, bulkConcurrentRequests),
  }
}

export default defineSink({
  name: 'elasticsearch',
  summary: 'Writes records into Elasticsearch or OpenSearch, each as one document.',
  config: options,
  delivery: 'idempotent',
  batch: batchPolicy,
  create: () => new ElasticsearchSink(),
})
