export { type ContextLog, type ContextOverrides, createSinkContext, createSourceContext } from './context.ts'
export { type CollectingLogger, createLogger, type LogEntry } from './logger.ts'
export { record, records } from './record.ts'
export { createStateStore } from './state-store.ts'
