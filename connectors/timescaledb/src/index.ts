import { type BatchPolicy, defineSink } from '@pulsar-io/sdk'
import { type Config, options } from './options.ts'
import { TimescaleSink } from './sink.ts'

const MIB = 1024 * 1024

/** How the runtime gathers records for one transaction. */
function batchPolicy({ batchSize, timeoutMs, connections }: Config): BatchPolicy {
  return {
    maxRecords: batchSize > 0 ? batchSize : 10_000,
    maxBytes: 16 * MIB,
    maxDelayMs: timeoutMs > 0 ? timeoutMs : 10,
    maxInFlight: connections,
  }
}

export default defineSink({
  name: 'timescaledb',
  summary: 'Writes records into a table of TimescaleDB or PostgreSQL, each as one row.',
  config: options,
  delivery: 'transactional',
  batch: batchPolicy,
  create: () => new TimescaleSink(),
})
