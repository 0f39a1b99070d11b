import type { ExceptionEntry, InstanceStatus, Status } from './api/types.ts'

/** Sums over the instances of a connector at one moment. */
export interface Totals {
  /** Milliseconds of a clock that only goes forward. */
  readonly at: number
  /** Records that arrived where they go. */
  readonly written: number
  /** Undefined where no instance knows it. */
  readonly lag: number | undefined
  /** Milliseconds of 99 of 100 batches, of the slowest instance; undefined while there are none. */
  readonly latency: number | undefined
  readonly errors: number
}

export function writtenOf(status: InstanceStatus): number {
  return status.numWrittenToSink ?? status.numWritten ?? 0
}

export function receivedOf(status: InstanceStatus): number {
  return status.numReadFromPulsar ?? status.numReceivedFromSource ?? 0
}

export function errorsOf(status: InstanceStatus): number {
  return (status.numSinkExceptions ?? status.numSourceExceptions ?? 0) + status.numSystemExceptions
}

/** The latest errors of an instance, newest first. */
export function latestErrors(status: InstanceStatus): readonly ExceptionEntry[] {
  const { latestSinkExceptions = [], latestSourceExceptions = [], latestSystemExceptions } = status
  return [...latestSinkExceptions, ...latestSourceExceptions, ...latestSystemExceptions].sort(
    (a, b) => b.timestampMs - a.timestampMs,
  )
}

export function totals({ instances }: Status, at: number): Totals {
  const all = instances.map(({ status }) => status)
  const lags = all.flatMap(({ lag }) => lag ?? [])
  const latencies = all.flatMap(({ latencyMs }) => latencyMs?.p99 ?? [])
  return {
    at,
    written: sum(all.map(writtenOf)),
    lag: lags.length === 0 ? undefined : sum(lags),
    latency: latencies.length === 0 ? undefined : Math.max(...latencies),
    errors: sum(all.map(errorsOf)),
  }
}

/** Records per second between two readings; undefined with one, or where an instance began to count anew. */
export function rate(before: Totals | undefined, now: Totals | undefined): number | undefined {
  if (before === undefined || now === undefined || now.at <= before.at || now.written < before.written) return undefined
  return ((now.written - before.written) * 1_000) / (now.at - before.at)
}

/** One word for a connector: the state of all its instances, or the worst of them. */
export function stateOf({ instances }: Status): string {
  const states = new Set(instances.map(({ status }) => status.state ?? (status.running ? 'running' : 'stopped')))
  const worst = [
    'failed',
    'crash-loop',
    'crashed',
    'stuck',
    'blocked',
    'reconnecting',
    'restarting',
    'starting',
    'stopping',
    'paused',
  ]
  return worst.find(state => states.has(state)) ?? [...states].sort()[0] ?? 'stopped'
}

const format = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** A number as it is shown; a dash for one that is not known. */
export function shown(value: number | undefined): string {
  return value === undefined ? '–' : format.format(value)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
