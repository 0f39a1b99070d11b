import { connectorStatus, emptySnapshot, type InstanceSnapshot } from '@pulsar-io/engine'
import type { FastifyRequest } from 'fastify'
import type { Coordinator } from '../coordination.ts'
import { instanceKey } from '../coordination.ts'
import { askWorker, FORWARDED_BY } from '../http/forward.ts'
import { fqnText, KINDS } from '../kinds.ts'
import { ReplyError } from '../reply-error.ts'
import { type ConnectorRecord, instanceCount, isWanted } from '../store/record.ts'
import type { NumberedLine } from './log-tail.ts'
import type { Runner } from './runner.ts'

/** Pulsar's status of one instance, and what we add. */
export interface InstanceStatus {
  readonly running: boolean
  readonly error: string
  readonly workerId: string
}

/** Pulsar's status of a connector. */
export interface Status {
  readonly numInstances: number
  readonly numRunning: number
  readonly instances: readonly { readonly instanceId: number; readonly status: InstanceStatus }[]
}

/** How instances are, wherever they run. */
export class StatusService {
  readonly #runner: Runner
  readonly #coordinator: Coordinator

  constructor(runner: Runner, coordinator: Coordinator) {
    this.#runner = runner
    this.#coordinator = coordinator
  }

  async ofConnector(record: ConnectorRecord, request: FastifyRequest): Promise<Status> {
    const ids = Array.from({ length: instanceCount(record) }, (_, id) => id)
    const statuses = await Promise.all(ids.map(id => this.#seen(record, id, request)))
    return {
      numInstances: ids.length,
      numRunning: statuses.filter(({ running }) => running).length,
      instances: statuses.map((status, instanceId) => ({ instanceId, status })),
    }
  }

  async ofInstance(record: ConnectorRecord, instanceId: number, request: FastifyRequest): Promise<InstanceStatus> {
    return this.#seen(record, instanceId, request)
  }

  /** The latest log lines of an instance. */
  async logs(
    record: ConnectorRecord,
    instanceId: number,
    { since, limit }: { readonly since: number; readonly limit: number },
    request: FastifyRequest,
  ): Promise<unknown> {
    const key = instanceKey(fqnText(record), instanceId)
    const here = this.#runner.tail(key)
    const elsewhere = this.#workerOf(record, instanceId, request)
    if (elsewhere === undefined) return (here?.since(since, limit) ?? []) satisfies readonly NumberedLine[]
    const path = `${pathOf(record, instanceId)}/logs?since=${since}&limit=${limit}`
    return askWorker(request, elsewhere, path, this.#coordinator.workerId)
  }

  /** A worker that does not answer is what there is to say of its instance. */
  async #seen(record: ConnectorRecord, instanceId: number, request: FastifyRequest): Promise<InstanceStatus> {
    const elsewhere = this.#workerOf(record, instanceId, request)
    if (elsewhere === undefined) return this.#here(record, instanceId)
    try {
      const path = `${pathOf(record, instanceId)}/status`
      return (await askWorker(request, elsewhere, path, this.#coordinator.workerId)) as InstanceStatus
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error
      const unknown = { ...emptySnapshot(instanceId), reason: error.message }
      return statusOf(record, unknown, elsewhere.workerId)
    }
  }

  #here(record: ConnectorRecord, instanceId: number): InstanceStatus {
    const key = instanceKey(fqnText(record), instanceId)
    const { workerId } = this.#coordinator
    const snapshot = this.#runner.snapshot(key)
    // What it was asked to stop for may still be draining: to whoever asked it does not run any more.
    const drains = snapshot !== undefined && !isWanted(record, instanceId) && snapshot.state !== 'failed'
    if (drains) return statusOf(record, { ...snapshot, state: 'stopping', reason: undefined }, workerId)
    if (snapshot !== undefined) return statusOf(record, snapshot, workerId)
    if (!isWanted(record, instanceId)) {
      return statusOf(record, { ...emptySnapshot(instanceId), state: 'stopped' }, workerId)
    }
    // It is ours and about to start, or nobody's yet.
    const assigned = this.#coordinator.assignments().get(key)
    if (assigned !== undefined) return statusOf(record, emptySnapshot(instanceId), assigned)
    const reason = `${KINDS[record.kind].title} has not been scheduled`
    return statusOf(record, { ...emptySnapshot(instanceId), reason }, '')
  }

  /** Who else to ask; undefined: nobody. */
  #workerOf(record: ConnectorRecord, instanceId: number, request: FastifyRequest) {
    const { workerId } = this.#coordinator
    // The one who asks us takes us for the worker that runs it.
    if (request.headers[FORWARDED_BY] !== undefined) return undefined
    const key = instanceKey(fqnText(record), instanceId)
    const assigned = this.#coordinator.assignments().get(key)
    if (assigned === undefined || assigned === workerId) return undefined
    return this.#coordinator.workers().find(worker => worker.workerId === assigned)
  }
}

function pathOf({ kind, tenant, namespace, name }: ConnectorRecord, instanceId: number): string {
  return `/admin/v3/${[`${kind}s`, tenant, namespace, name, String(instanceId)].map(encodeURIComponent).join('/')}`
}

function statusOf({ kind }: ConnectorRecord, snapshot: InstanceSnapshot, workerId: string): InstanceStatus {
  const [only] = connectorStatus(kind, [snapshot], workerId).instances
  if (only === undefined) throw new RangeError('a status without an instance')
  return only.status
}
