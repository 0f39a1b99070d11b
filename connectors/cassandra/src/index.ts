import { type BatchPolicy, defineSink } from '@pulsar-io/sdk'
import { type Config, options } from './options.ts'
import { CassandraSink } from './sink.ts'

/** How the runtime gathers records for one `write`. */
function batchPolicy({ batchSize }: Config): Partial<BatchPolicy> {
  // While the last rows of a batch are under way the next one fills up what may be.
  return { maxRecords: batchSize, maxBytes: 8 * 1024 * 1024, maxDelayMs: 5, maxInFlight: 2 }
}

export default defineSink({
  name: 'cassandra',
  summary: 'Writes records into Apache Cassandra, each as one row.',
  config: options,
  delivery: 'idempotent',
  batch: batchPolicy,
  create: () => new CassandraSink(),
})
