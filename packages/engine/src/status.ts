import type { ConnectorKind } from '@pulsar-io/sdk'
import type { Quantiles } from './histogram.ts'
import type { ErrorEntry, InstanceSnapshot, InstanceState } from './snapshot.ts'

/** Pulsar's ExceptionInformation. */
export interface ExceptionInformation {
  readonly exceptionString: string
  readonly timestampMs: number
}

/** What this runtime adds to the status of an instance. */
interface StatusExtras {
  readonly state: InstanceState
  readonly reason?: string
  readonly numRetried: number
  readonly numDeadLettered: number
  readonly numFiltered: number
  readonly numStuck: number
  readonly inFlight: number
  readonly lag?: number
  /** Milliseconds that batches took lately, where there were any. */
  readonly latencyMs?: Quantiles
}

interface StatusCommon extends StatusExtras {
  readonly running: boolean
  readonly error: string
  readonly numRestarts: number
  readonly numSystemExceptions: number
  readonly latestSystemExceptions: readonly ExceptionInformation[]
  readonly lastReceivedTime: number
  readonly workerId: string
}

/** Pulsar's SinkInstanceStatusData. */
export interface SinkInstanceStatus extends StatusCommon {
  readonly numReadFromPulsar: number
  readonly numSinkExceptions: number
  readonly latestSinkExceptions: readonly ExceptionInformation[]
  readonly numWrittenToSink: number
}

/** Pulsar's SourceInstanceStatusData. */
export interface SourceInstanceStatus extends StatusCommon {
  readonly numReceivedFromSource: number
  readonly numSourceExceptions: number
  readonly latestSourceExceptions: readonly ExceptionInformation[]
  readonly numWritten: number
}

interface StatusOf<S> {
  readonly numInstances: number
  readonly numRunning: number
  readonly instances: readonly { readonly instanceId: number; readonly status: S }[]
}

/** Pulsar's SinkStatus (`GET …/status`). */
export type SinkStatus = StatusOf<SinkInstanceStatus>
/** Pulsar's SourceStatus. */
export type SourceStatus = StatusOf<SourceInstanceStatus>

/** States in which an instance has its connector open, or will without help. */
const RUNNING: ReadonlySet<InstanceState> = new Set(['running', 'paused', 'reconnecting', 'blocked'])

/** Pulsar's status JSON of one connector. */
export function connectorStatus(kind: 'sink', snapshots: readonly InstanceSnapshot[], workerId: string): SinkStatus
export function connectorStatus(kind: 'source', snapshots: readonly InstanceSnapshot[], workerId: string): SourceStatus
export function connectorStatus(
  kind: ConnectorKind,
  snapshots: readonly InstanceSnapshot[],
  workerId: string,
): SinkStatus | SourceStatus
export function connectorStatus(
  kind: ConnectorKind,
  snapshots: readonly InstanceSnapshot[],
  workerId: string,
): SinkStatus | SourceStatus {
  const instance = kind === 'sink' ? sinkInstance : sourceInstance
  return {
    numInstances: snapshots.length,
    numRunning: snapshots.filter(snapshot => RUNNING.has(snapshot.state)).length,
    instances: snapshots.map(snapshot => ({ instanceId: snapshot.instanceId, status: instance(snapshot, workerId) })),
  } as SinkStatus | SourceStatus
}

function common(snapshot: InstanceSnapshot, workerId: string): StatusCommon {
  const running = RUNNING.has(snapshot.state)
  return {
    running,
    error: running ? '' : (snapshot.reason ?? ''),
    numRestarts: snapshot.restarts,
    numSystemExceptions: snapshot.systemErrors,
    latestSystemExceptions: snapshot.latestSystemErrors.map(exception),
    lastReceivedTime: snapshot.lastReceivedTime,
    workerId,
    state: snapshot.state,
    ...(snapshot.reason === undefined ? {} : { reason: snapshot.reason }),
    numRetried: snapshot.retried,
    numDeadLettered: snapshot.deadLettered,
    numFiltered: snapshot.filtered,
    numStuck: snapshot.stuck,
    inFlight: snapshot.inFlight,
    ...(snapshot.lag === undefined ? {} : { lag: snapshot.lag }),
    ...(snapshot.recentLatency === undefined ? {} : { latencyMs: snapshot.recentLatency }),
  }
}

function sinkInstance(snapshot: InstanceSnapshot, workerId: string): SinkInstanceStatus {
  return {
    ...common(snapshot, workerId),
    numReadFromPulsar: snapshot.received,
    numSinkExceptions: snapshot.connectorErrors,
    latestSinkExceptions: snapshot.latestConnectorErrors.map(exception),
    numWrittenToSink: snapshot.written,
  }
}

function sourceInstance(snapshot: InstanceSnapshot, workerId: string): SourceInstanceStatus {
  return {
    ...common(snapshot, workerId),
    numReceivedFromSource: snapshot.received,
    numSourceExceptions: snapshot.connectorErrors,
    latestSourceExceptions: snapshot.latestConnectorErrors.map(exception),
    numWritten: snapshot.written,
  }
}

function exception(entry: ErrorEntry): ExceptionInformation {
  return { exceptionString: entry.code ? `${entry.code}: ${entry.message}` : entry.message, timestampMs: entry.time }
}
