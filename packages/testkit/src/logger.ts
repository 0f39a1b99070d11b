import type { LogFields, Logger } from '@pulsar-io/sdk'

/** One line that a connector logged. */
export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields
}

/** A logger that keeps what it is told, for a test to look at. */
export interface CollectingLogger extends Logger {
  readonly entries: readonly LogEntry[]
  /** The messages of one level, or of all of them, in the order they came. */
  messages(level?: LogEntry['level']): string[]
}

export function createLogger(): CollectingLogger {
  const entries: LogEntry[] = []
  const at =
    (level: LogEntry['level']) =>
    (message: string, fields: LogFields = {}) => {
      entries.push({ level, message, fields })
    }
  return {
    entries,
    messages: level => entries.filter(entry => level === undefined || entry.level === level).map(e => e.message),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  }
}
