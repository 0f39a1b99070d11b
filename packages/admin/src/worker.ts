import type { CallOptions } from './connectors.ts'
import type { AdminHttp } from './http.ts'
import type { WorkerInfo } from './status-types.ts'

/** What there is to ask about the workers. All methods reject with an AdminError. */
export interface WorkerApi {
  /** Every worker. */
  cluster(options?: CallOptions): Promise<WorkerInfo[]>
  /** The worker that decides who runs what. */
  leader(options?: CallOptions): Promise<WorkerInfo>
  /** Id of a worker → what it runs, as `tenant/namespace/name:instance`. */
  assignments(options?: CallOptions): Promise<{ readonly [workerId: string]: readonly string[] }>
}

export function workerOf(http: AdminHttp): WorkerApi {
  // Version 2: Pulsar has these routes nowhere else.
  const get = (path: readonly string[], { signal }: CallOptions = {}) =>
    http.json({ method: 'GET', path: ['admin', 'v2', 'worker', ...path], signal })
  return {
    cluster: async options => (await get(['cluster'], options)) as WorkerInfo[],
    leader: async options => (await get(['cluster', 'leader'], options)) as WorkerInfo,
    assignments: async options => (await get(['assignments'], options)) as { readonly [id: string]: readonly string[] },
  }
}
