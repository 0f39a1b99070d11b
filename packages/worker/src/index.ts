export type { Coordinator, DrainProgress, DrainStatus, InstanceKey, WorkerInfo } from './coordination.ts'
export { instanceKey, splitInstanceKey } from './coordination.ts'
export { SingleWorker } from './single-worker.ts'
