import type { Config } from './options.ts'

/** What a configuration asks for and does not get. */
export function notices(config: Config, inertParameters: readonly string[]): string[] {
  const inert = [
    ...(config.useTransactions ? [] : ['useTransactions: a batch is always one transaction']),
    ...(config.useJdbcBatch ? ['useJdbcBatch: rows always travel in batches'] : []),
    ...(config.maxQueueSize === -1 ? [] : ['maxQueueSize: there is no queue, and what is in flight is bounded']),
    ...inertParameters.map(name => `parameter ${name} of the address: it is not known here`),
  ]
  return inert.map(text => `no effect: ${text}`)
}
