import type { LogFields } from '@pulsar-io/sdk'

/** Levels, from the least to the most urgent. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** One structured log line. */
export interface LogLine {
  readonly level: LogLevel
  /** Milliseconds since 1970. */
  readonly time: number
  readonly message: string
  /** `tenant/namespace/name` of the connector that it is about. */
  readonly connector?: string
  readonly instance?: number
  readonly fields?: LogFields
}
