/**
 * One instance of one connector, as Pulsar names it: `tenant/namespace/name:instanceId`. Sinks and sources share their
 * names, so it needs no kind.
 */
export type InstanceKey = string

/** The key of an instance. */
export function instanceKey(fqn: string, instanceId: number): InstanceKey {
  return `${fqn}:${instanceId}`
}

/** The parts of a key. */
export function splitInstanceKey(key: InstanceKey): { readonly fqn: string; readonly instanceId: number } {
  const at = key.lastIndexOf(':')
  return { fqn: key.slice(0, at), instanceId: Number(key.slice(at + 1)) }
}

/** A worker, as Pulsar tells of it, and where its REST API answers. */
export interface WorkerInfo {
  readonly workerId: string
  readonly workerHostname: string
  readonly port: number
  /** `http(s)://host:port`, without a slash at the end. */
  readonly url: string
}

/** How far a worker is with giving its instances away. */
export type DrainStatus = 'notRun' | 'running' | 'completed'

/** How far a drain is, in Pulsar's words. */
export interface DrainProgress {
  readonly status: DrainStatus
  /** Instances that still run on the worker. */
  readonly remaining: number
}

/**
 * Decides which worker runs what. The worker asks, and is told of changes; how workers find each other, choose a leader
 * and notice that one is gone is the affair of the implementation.
 *
 * Duties of the worker:
 * 1. It runs exactly the instances of {@link Coordinator.mine}, and looks anew at every change. Right before each start
 *    it calls {@link Coordinator.take}, and starts nothing where that is false.
 * 2. When an instance that it took leaves `mine()`, it stops it within {@link Coordinator.stopWithinMs}, and calls
 *    {@link Coordinator.released} once it is closed.
 * 3. It changes stored configurations only as the leader, after {@link Coordinator.confirmLeader}, and calls
 *    {@link Coordinator.announce} behind each change.
 */
export interface Coordinator {
  readonly workerId: string
  /** Workers that are alive, this one included, sorted by id. */
  workers(): readonly WorkerInfo[]
  /** The worker that takes changes; undefined while there is none. */
  leader(): WorkerInfo | undefined
  isLeader(): boolean
  /** Resolves when this worker is the leader beyond doubt, rejects when another one has taken over. */
  confirmLeader(): Promise<void>
  /** Which worker an instance belongs to, of all that were proposed; the id may be of one that is about to let go or to begin. */
  assignments(): ReadonlyMap<InstanceKey, string>
  /** What this worker may run now: assigned to it, and let go by whoever had it before. Empty while its lease is lost. */
  mine(): ReadonlySet<InstanceKey>
  /**
   * Asks whether an instance may start right now, and if so counts it as running here until it is released. Nobody else
   * gets it before. May be called again for one that runs.
   */
  take(key: InstanceKey): boolean
  /** Milliseconds in which what left `mine()` has to be closed, by force if need be; Infinity while the lease is held. */
  stopWithinMs(): number
  /** An instance that was taken and is not in `mine()` any more has stopped here. */
  released(key: InstanceKey): void
  /** All instances that are to run somewhere. Only the leader is asked to; a leader that is not any more ignores it. */
  propose(wanted: readonly InstanceKey[]): Promise<void>
  /** Tells every worker that stored configurations changed: their listeners are called. */
  announce(): Promise<void>
  /** Called after each change of leader, workers, assignments, `mine()` or stored configurations. Returns how to stop listening. */
  onChange(listener: () => void): () => void
  /** Distributes the instances anew. */
  rebalance(): Promise<void>
  /**
   * Moves everything away from a worker, which gets nothing new until its process ends. The leader is asked, or the
   * worker itself. Rejects when nobody else is there.
   */
  drain(workerId: string): Promise<void>
  drainProgress(workerId: string): DrainProgress
  /** Leaves the others. Everything has stopped here. May be called twice. */
  close(): Promise<void>
}
