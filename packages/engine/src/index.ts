export type * from './api.ts'
export * from './archive/index.ts'
export { type SinkConfig, type SourceConfig, sinkConfigSchema, sourceConfigSchema } from './config/fields.ts'
export { messageWithCauses } from './failure.ts'
export type { Histogram } from './histogram.ts'
export { LOG_LEVELS, type LogLevel, type LogLine } from './log.ts'
export {
  DEFAULT_MESSAGING_URL,
  embeddedDirectory,
  type MessagingAddress,
  messagingProblem,
  openMessaging,
} from './messaging.ts'
export { type MetricsServer, serveMetrics } from './metrics/server.ts'
export { checkConnectors, startConnectors } from './run.ts'
export { type ResolvedConfig, redact, resolveSecrets } from './secrets.ts'
export type { ErrorEntry, InstanceSnapshot, InstanceState } from './snapshot.ts'
export type {
  ExceptionInformation,
  SinkInstanceStatus,
  SinkStatus,
  SourceInstanceStatus,
  SourceStatus,
} from './status.ts'
