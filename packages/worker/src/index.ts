export type { Coordinator, DrainProgress, DrainStatus, InstanceKey, WorkerInfo } from './coordination.ts'
export { instanceKey, splitInstanceKey } from './coordination.ts'
export {
  type AuthOptions,
  type CoordinationContext,
  DEFAULT_WORKER_LIMITS,
  type RoleGrant,
  type WorkerLimits,
  type WorkerOptions,
} from './options.ts'
export { SingleWorker } from './single-worker.ts'
export { startWorker, type Worker } from './worker.ts'
