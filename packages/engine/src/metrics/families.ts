import type { ConnectorKind } from '@pulsar-io/sdk'
import type { RunningConnector } from '../api.ts'
import type { Histogram } from '../histogram.ts'
import type { ErrorEntry, InstanceSnapshot } from '../snapshot.ts'

/** One number of a metric, as prom-client takes it. */
export interface MetricValue {
  readonly value: number
  readonly labels: { readonly [name: string]: string | number }
  /** The name of the line where it is not the family's, for example `…_bucket`. */
  readonly metricName?: string
}

/** One metric with all its lines. */
export interface MetricFamily {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary'
  readonly values: readonly MetricValue[]
}

/** Errors that become a line of their own, per minute (Pulsar's limit). */
const ERROR_LINES = 5
const MINUTE_MS = 60_000

type Labels = { readonly [name: string]: string | number }
type Row = { readonly labels: Labels; readonly snapshot: InstanceSnapshot; readonly minuteAgo: InstanceSnapshot }

/**
 * The metrics of connectors: Pulsar's names (`SinkStatsManager`, `SourceStatsManager`), and what Pulsar does not tell.
 *
 * @param minuteAgo the snapshot of an instance at the start of the current minute
 */
export function metricFamilies(
  connectors: readonly RunningConnector[],
  minuteAgo: (fqn: string, now: InstanceSnapshot) => InstanceSnapshot,
): readonly MetricFamily[] {
  return (['sink', 'source'] as const).flatMap(kind => {
    const rows = connectors
      .filter(connector => connector.kind === kind)
      .flatMap(connector =>
        connector.snapshots().map(snapshot => ({
          labels: labelsOf(connector, snapshot),
          snapshot,
          minuteAgo: minuteAgo(`${kind} ${connector.fqn}`, snapshot),
        })),
      )
    return rows.length === 0 ? [] : familiesOf(kind, rows)
  })
}

function labelsOf(connector: RunningConnector, snapshot: InstanceSnapshot): Labels {
  return {
    tenant: connector.tenant,
    namespace: `${connector.tenant}/${connector.namespace}`,
    name: connector.name,
    instance_id: snapshot.instanceId,
    cluster: 'local',
    fqfn: connector.fqn,
  }
}

function familiesOf(kind: ConnectorKind, rows: readonly Row[]): readonly MetricFamily[] {
  const prefix = `pulsar_${kind}_`
  const family = (
    name: string,
    type: MetricFamily['type'],
    help: string,
    pick: (row: Row) => number,
  ): MetricFamily => ({
    name: prefix + name,
    help,
    type,
    values: rows.map(row => ({ value: pick(row), labels: row.labels })),
  })
  const counters = COUNTERS(kind).flatMap(([name, help, pick]) => [
    family(`${name}_total`, 'counter', help, row => pick(row.snapshot)),
    family(
      `${name}_1min_total`,
      'counter',
      `${help} In the current minute.`,
      row => pick(row.snapshot) - pick(row.minuteAgo),
    ),
    // The name before Pulsar 3.0, which dashboards may still ask for.
    family(
      `${name}_total_1min`,
      'counter',
      `${help} In the current minute.`,
      row => pick(row.snapshot) - pick(row.minuteAgo),
    ),
  ])
  return [
    ...counters,
    family(
      'last_invocation',
      'gauge',
      'When the last record came, in milliseconds since 1970.',
      row => row.snapshot.lastReceivedTime,
    ),
    errorFamily(`${prefix}system_exception`, rows, snapshot => snapshot.latestSystemErrors),
    errorFamily(`${prefix}${kind}_exception`, rows, snapshot => snapshot.latestConnectorErrors),
    family('bytes_received_total', 'counter', 'Payload bytes that came in.', row => row.snapshot.bytesReceived),
    family('retries_total', 'counter', 'Writes that were tried again.', row => row.snapshot.retried),
    family('dead_letters_total', 'counter', 'Records that became dead letters.', row => row.snapshot.deadLettered),
    family(
      'deduplicated_total',
      'counter',
      'Repeated records that were not written twice.',
      row => row.snapshot.deduplicated,
    ),
    family('filtered_total', 'counter', 'Records that a filter kept back.', row => row.snapshot.filtered),
    family('restarts_total', 'counter', 'Restarts after a crash.', row => row.snapshot.restarts),
    family(
      'stuck_total',
      'counter',
      'Times that it had work and did nothing, and was ended.',
      row => row.snapshot.stuck,
    ),
    family('in_flight', 'gauge', 'Records taken in and not settled.', row => row.snapshot.inFlight),
    family('up', 'gauge', '1 while the connector is open and its systems answer.', row =>
      row.snapshot.state === 'running' ? 1 : 0,
    ),
    lagFamily(`${prefix}lag`, rows),
    histogramFamily(
      `${prefix}${kind === 'sink' ? 'write' : 'publish'}_latency_seconds`,
      'Time to settle a batch.',
      0.001,
      rows,
      snapshot => snapshot.latency,
    ),
    histogramFamily(`${prefix}batch_size`, 'Records in a batch.', 1, rows, snapshot => snapshot.batchSize),
    ...userFamilies(prefix, rows),
  ].filter(({ values }) => values.length > 0)
}

const COUNTERS = (
  kind: ConnectorKind,
): readonly (readonly [name: string, help: string, pick: (snapshot: InstanceSnapshot) => number])[] => [
  [
    'received',
    kind === 'sink' ? 'Records read from the topics.' : 'Records read from the external system.',
    snapshot => snapshot.received,
  ],
  [
    'written',
    kind === 'sink' ? 'Records that the external system confirmed.' : 'Records that the topic confirmed.',
    snapshot => snapshot.written,
  ],
  ['system_exceptions', 'Errors of messaging, schema and runtime.', snapshot => snapshot.systemErrors],
  [`${kind}_exceptions`, 'Errors of the connector.', snapshot => snapshot.connectorErrors],
]

function errorFamily(
  name: string,
  rows: readonly Row[],
  pick: (snapshot: InstanceSnapshot) => readonly ErrorEntry[],
): MetricFamily {
  const since = Date.now() - MINUTE_MS
  const values = rows.flatMap(({ labels, snapshot }) => {
    const recent = pick(snapshot).filter(({ time }) => time >= since)
    return [...new Set(recent.map(({ message }) => message))]
      .slice(-ERROR_LINES)
      .map(error => ({ value: 1, labels: { ...labels, error } }))
  })
  return { name, help: 'An error of the last minute.', type: 'gauge', values }
}

function lagFamily(name: string, rows: readonly Row[]): MetricFamily {
  const values = rows.flatMap(({ labels, snapshot }) =>
    snapshot.lag === undefined ? [] : [{ value: snapshot.lag, labels }],
  )
  return { name, help: 'Messages that wait in the topics.', type: 'gauge', values }
}

function histogramFamily(
  name: string,
  help: string,
  scale: number,
  rows: readonly Row[],
  pick: (snapshot: InstanceSnapshot) => Histogram,
): MetricFamily {
  const values = rows.flatMap(({ labels, snapshot }) => histogramLines(name, scale, labels, pick(snapshot)))
  return { name, help, type: 'histogram', values }
}

function histogramLines(
  name: string,
  scale: number,
  labels: Labels,
  { bounds, counts, sum }: Histogram,
): readonly MetricValue[] {
  let count = 0
  const buckets = counts.map((inBucket, i) => {
    count += inBucket
    const bound = bounds[i]
    return {
      metricName: `${name}_bucket`,
      value: count,
      labels: { ...labels, le: bound === undefined ? '+Inf' : bound * scale },
    }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, value: sum * scale, labels },
    { metricName: `${name}_count`, value: count, labels },
  ]
}

/** A connector's own numbers, as Pulsar exports them: a summary with a label of the metric's name. */
function userFamilies(prefix: string, rows: readonly Row[]): readonly MetricFamily[] {
  const names = new Set(rows.flatMap(({ snapshot }) => Object.keys(snapshot.userMetrics)))
  return [...names].map(metric => {
    const name = `${prefix}user_metric_${metric.replace(/\W/g, '_')}`
    const values = rows.flatMap(({ labels, snapshot }) => {
      const numbers = snapshot.userMetrics[metric]
      if (!numbers) return []
      const own = { ...labels, metric }
      return [
        { metricName: `${name}_sum`, value: numbers.sum, labels: own },
        { metricName: `${name}_count`, value: numbers.count, labels: own },
      ]
    })
    return { name, help: `The connector's own metric ${metric}.`, type: 'summary', values }
  })
}
