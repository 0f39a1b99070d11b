export { type Admin, createAdmin } from './admin.ts'
export type * from './config-types.ts'
export type {
  CallOptions,
  ConnectorsApi,
  CreateOptions,
  DeadLetterOptions,
  Description,
  LogOptions,
  ReplayOptions,
  UpdateOptions,
} from './connectors.ts'
export { AdminError, type AdminErrorCode, type AdminErrorRetry, isAdminError } from './errors.ts'
export { type AdminOptions, type AdminTls, DEFAULT_ADMIN_URL, type TokenSource } from './options.ts'
export type * from './status-types.ts'
export { lastError, type UntilRunningOptions, untilRunning } from './until-running.ts'
export type { WorkerApi } from './worker.ts'
