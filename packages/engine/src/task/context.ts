import type { KeyValueStore } from '@pulsar-io/messaging'
import type { ConnectorContext, LogFields, Logger, StateStore } from '@pulsar-io/sdk'
import type { InstanceSpec } from '../instance/spec.ts'
import type { LeaseView } from '../lease.ts'
import type { LogLevel } from '../log.ts'
import type { Chain } from '../transform/index.ts'
import type { Hold } from './hold.ts'
import type { TaskStats } from './stats.ts'

/** What a task needs from the place it runs in. */
export interface TaskServices {
  readonly stats: TaskStats
  readonly log: (level: LogLevel, message: string, fields?: LogFields) => void
  readonly secrets: ReadonlyMap<string, string>
  /** Aborted when waiting has to end. */
  readonly signal: AbortSignal
  /** While it is over nothing is written: somebody else may do so by now. */
  readonly lease?: LeaseView | undefined
  /** An operator's pause. */
  readonly hold: Hold
  /** Ends the task with an error. */
  readonly fatal: (error: Error) => void
  /** What happens to each record between topic and connector. */
  readonly transforms: Chain | undefined
  /** The connector's durable map, opened at first use. */
  readonly store: () => Promise<KeyValueStore>
}

/** What the log says of the connection of a connector. */
const CONNECTION = {
  connected: 'connected',
  reconnecting: 'connection lost, reconnecting',
  blocked: 'the external system takes nothing for now; nothing is lost, waiting',
} as const

/** The part of the context that sinks and sources share. */
export function connectorContext(spec: InstanceSpec, services: TaskServices): ConnectorContext {
  const { stats, log } = services
  return {
    tenant: spec.tenant,
    namespace: spec.namespace,
    name: spec.name,
    instanceId: spec.instanceId,
    numInstances: spec.numInstances,
    guarantee: spec.guarantee,
    logger: logger(log),
    metrics: { record: (name, value) => stats.userMetric(name, value) },
    state: stateStore(services.store),
    signal: services.signal,
    secret: name => services.secrets.get(name),
    connection: (state, reason) => {
      stats.become(state === 'connected' ? 'running' : state, reason)
      log(state === 'connected' ? 'info' : 'warn', CONNECTION[state], reason ? { reason } : undefined)
    },
    fatal: services.fatal,
  }
}

function logger(log: TaskServices['log']): Logger {
  return {
    debug: (message, fields) => log('debug', message, fields),
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
  }
}

/** Keys of connectors are kept apart from the runtime's own. */
const STATE_PREFIX = 'state/'

function stateStore(store: () => Promise<KeyValueStore>): StateStore {
  return {
    get: async key => (await store()).get(STATE_PREFIX + key),
    put: async (key, value) => (await store()).put(STATE_PREFIX + key, value),
    delete: async key => (await store()).delete(STATE_PREFIX + key),
    increment: async (key, by = 1n) => (await store()).increment(STATE_PREFIX + key, by),
  }
}
