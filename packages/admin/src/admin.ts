import type { SinkConfig, SourceConfig } from './config-types.ts'
import { type ConnectorsApi, sinksOf, sourcesOf } from './connectors.ts'
import { AdminHttp } from './http.ts'
import type { AdminOptions } from './options.ts'
import type { SinkInstanceStatus, SourceInstanceStatus } from './status-types.ts'
import { type WorkerApi, workerOf } from './worker.ts'

/** The connectors of a worker. Holds nothing open: there is nothing to close. */
export interface Admin {
  /** Where the server is. */
  readonly url: string
  readonly sinks: ConnectorsApi<SinkConfig, SinkInstanceStatus>
  readonly sources: ConnectorsApi<SourceConfig, SourceInstanceStatus>
  readonly worker: WorkerApi
}

/**
 * A client of the REST interface that Pulsar's functions worker and the worker of this project both serve.
 *
 * @throws AdminError `PIO_ADMIN_OPTIONS`, when the options cannot be meant.
 */
export function createAdmin(options: AdminOptions = {}): Admin {
  const http = new AdminHttp(options)
  return { url: http.url, sinks: sinksOf(http), sources: sourcesOf(http), worker: workerOf(http) }
}
