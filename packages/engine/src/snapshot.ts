import {
  addHistograms,
  BATCH_BOUNDS,
  type Histogram,
  HistogramRecorder,
  LATENCY_BOUNDS,
  type Quantiles,
} from './histogram.ts'

/** Errors that status keeps (Pulsar keeps as many). */
export const KEPT_ERRORS = 10

/** How an instance is doing. */
export type InstanceState =
  | 'starting'
  | 'running'
  /** Open, and kept from taking records by an operator. */
  | 'paused'
  /** The external system or the messaging system is away; nothing is lost. */
  | 'reconnecting'
  /** The external system refuses us; nothing is lost. */
  | 'blocked'
  /** Crashed; waiting for its restart. */
  | 'restarting'
  /** Crashed too often in a row; restarted ever more slowly. */
  | 'crash-loop'
  /** Has work and does nothing; it is being ended, to be started anew. */
  | 'stuck'
  | 'stopping'
  /** A source that reached its end. */
  | 'finished'
  | 'stopped'
  | 'failed'

/** An error as status shows it. */
export interface ErrorEntry {
  readonly message: string
  readonly code: string | undefined
  /** Milliseconds since 1970. */
  readonly time: number
}

/** All numbers of one instance at one moment; plain data, so that it crosses threads and processes. Counters start at 0 with the instance and survive its restarts. */
export interface InstanceSnapshot {
  readonly instanceId: number
  readonly state: InstanceState
  /** Why it is in this state, where there is something to say. */
  readonly reason: string | undefined
  readonly restarts: number
  /** Times that it was found stuck. */
  readonly stuck: number
  /** Sink: from the topic. Source: from the external system. */
  readonly received: number
  /** Sink: confirmed by the external system. Source: confirmed by the topic. */
  readonly written: number
  readonly bytesReceived: number
  readonly retried: number
  readonly deadLettered: number
  /** Records that a replay brought again and that were not written twice, where the runtime can tell. */
  readonly deduplicated: number
  /** Records that a filter kept back; they are settled. */
  readonly filtered: number
  /** Errors of the connector (`sink_exceptions`, `source_exceptions`). */
  readonly connectorErrors: number
  /** Errors of messaging, schema and the runtime itself. */
  readonly systemErrors: number
  readonly latestConnectorErrors: readonly ErrorEntry[]
  readonly latestSystemErrors: readonly ErrorEntry[]
  /** Records handed to the connector and not settled. */
  readonly inFlight: number
  /** Sink: messages waiting in the topics; undefined while not known. */
  readonly lag: number | undefined
  /** Milliseconds since 1970; 0 when nothing came yet. */
  readonly lastReceivedTime: number
  /** Milliseconds since the instance had something to do; 0 while it has. */
  readonly idleMs: number
  /** Milliseconds of a write (sink) or publish (source) of a batch. */
  readonly latency: Histogram
  /** The same of the last 10 to 20 seconds; undefined when no batch was settled in them. */
  readonly recentLatency: Quantiles | undefined
  /** Records per batch. */
  readonly batchSize: Histogram
  /** The connector's own numbers: name → count and sum. */
  readonly userMetrics: { readonly [name: string]: { readonly count: number; readonly sum: number } }
}

/** The snapshot of an instance that has not done anything. */
export function emptySnapshot(instanceId: number): InstanceSnapshot {
  return {
    instanceId,
    state: 'starting',
    reason: undefined,
    restarts: 0,
    stuck: 0,
    received: 0,
    written: 0,
    bytesReceived: 0,
    retried: 0,
    deadLettered: 0,
    deduplicated: 0,
    filtered: 0,
    connectorErrors: 0,
    systemErrors: 0,
    latestConnectorErrors: [],
    latestSystemErrors: [],
    inFlight: 0,
    lag: undefined,
    lastReceivedTime: 0,
    idleMs: 0,
    latency: new HistogramRecorder(LATENCY_BOUNDS).snapshot(),
    recentLatency: undefined,
    batchSize: new HistogramRecorder(BATCH_BOUNDS).snapshot(),
    userMetrics: {},
  }
}

/** The later snapshot with the counters of an earlier life added. */
export function addCounters(before: InstanceSnapshot, now: InstanceSnapshot): InstanceSnapshot {
  return {
    ...now,
    received: before.received + now.received,
    written: before.written + now.written,
    bytesReceived: before.bytesReceived + now.bytesReceived,
    retried: before.retried + now.retried,
    deadLettered: before.deadLettered + now.deadLettered,
    deduplicated: before.deduplicated + now.deduplicated,
    filtered: before.filtered + now.filtered,
    connectorErrors: before.connectorErrors + now.connectorErrors,
    systemErrors: before.systemErrors + now.systemErrors,
    latestConnectorErrors: [...before.latestConnectorErrors, ...now.latestConnectorErrors].slice(-KEPT_ERRORS),
    latestSystemErrors: [...before.latestSystemErrors, ...now.latestSystemErrors].slice(-KEPT_ERRORS),
    lastReceivedTime: Math.max(before.lastReceivedTime, now.lastReceivedTime),
    latency: addHistograms(before.latency, now.latency),
    batchSize: addHistograms(before.batchSize, now.batchSize),
    userMetrics: addUserMetrics(before.userMetrics, now.userMetrics),
  }
}

function addUserMetrics(
  a: InstanceSnapshot['userMetrics'],
  b: InstanceSnapshot['userMetrics'],
): InstanceSnapshot['userMetrics'] {
  const sum = { ...a }
  for (const [name, metric] of Object.entries(b)) {
    const other = sum[name]
    sum[name] = other ? { count: other.count + metric.count, sum: other.sum + metric.sum } : metric
  }
  return sum
}
