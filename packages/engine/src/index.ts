export type * from './api.ts'
export * from './archive/index.ts'
export { type SinkConfig, type SourceConfig, sinkConfigSchema, sourceConfigSchema } from './config/fields.ts'
export { type ConnectorPlan, type PlanOptions, planConnector, runningConnector } from './connector-plan.ts'
export { defaultDeadLetterTopic } from './dead-letter/format.ts'
export { listDeadLetters, type WaitingLetters } from './dead-letter/list.ts'
export { type Replayed, replayDeadLetters } from './dead-letter/replay.ts'
export { messageWithCauses } from './failure.ts'
export type { Histogram } from './histogram.ts'
export { type HostedInstance, type HostOptions, hostInstance } from './host.ts'
export { checkOptions } from './instance/check-options.ts'
export { InstanceLease } from './lease.ts'
export { LOG_LEVELS, type LogLevel, type LogLine } from './log.ts'
export {
  DEFAULT_MESSAGING_URL,
  embeddedDirectory,
  type MessagingAddress,
  messagingProblem,
  openMessaging,
} from './messaging.ts'
export { type Metrics, openMetrics } from './metrics/metrics.ts'
export { type MetricsServer, serveMetrics } from './metrics/server.ts'
export { checkConnectors, startConnectors } from './run.ts'
export { isPlaceholder, type ResolvedConfig, redact, resolveSecrets } from './secrets.ts'
export { type ErrorEntry, emptySnapshot, type InstanceSnapshot, type InstanceState } from './snapshot.ts'
export {
  connectorStatus,
  type ExceptionInformation,
  type SinkInstanceStatus,
  type SinkStatus,
  type SourceInstanceStatus,
  type SourceStatus,
} from './status.ts'
