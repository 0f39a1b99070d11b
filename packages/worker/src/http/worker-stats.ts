import { emptySnapshot, type InstanceSnapshot, type Metrics, type RunningConnector } from '@pulsar-io/engine'

/** The numbers of this process; Pulsar's list has those of its virtual machine there. */
export function workerMetrics(): readonly object[] {
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage()
  const cpu = process.cpuUsage()
  return [
    {
      metrics: {
        nodejs_rss: rss,
        nodejs_heap_total: heapTotal,
        nodejs_heap_used: heapUsed,
        nodejs_external: external,
        nodejs_array_buffers: arrayBuffers,
        nodejs_cpu_user_micros: cpu.user,
        nodejs_cpu_system_micros: cpu.system,
        nodejs_uptime_seconds: Math.floor(process.uptime()),
      },
      dimensions: { metric: 'nodejs_metrics' },
    },
  ]
}

/** Pulsar's WorkerFunctionInstanceStats of what runs here. */
export function functionsMetrics(
  connectors: readonly RunningConnector[],
  minuteAgo: Metrics['minuteAgo'],
): readonly object[] {
  return connectors.flatMap(connector =>
    connector.snapshots().map(snapshot => ({
      name: `${connector.fqn}:${snapshot.instanceId}`,
      metrics: {
        ...numbersOf(snapshot, NOTHING),
        '1min': numbersOf(snapshot, minuteAgo(connector, snapshot)),
        lastInvocation: snapshot.lastReceivedTime === 0 ? null : snapshot.lastReceivedTime,
        userMetrics: Object.fromEntries(Object.entries(snapshot.userMetrics).map(([name, { sum }]) => [name, sum])),
      },
    })),
  )
}

/** An instance that has not begun. */
const NOTHING = emptySnapshot(0)

function numbersOf(now: InstanceSnapshot, before: InstanceSnapshot): object {
  const batches = count(now) - count(before)
  return {
    receivedTotal: now.received - before.received,
    processedSuccessfullyTotal: now.written - before.written,
    systemExceptionsTotal: now.systemErrors - before.systemErrors,
    userExceptionsTotal: now.connectorErrors - before.connectorErrors,
    avgProcessLatency: batches === 0 ? null : (now.latency.sum - before.latency.sum) / batches,
  }
}

function count({ latency }: InstanceSnapshot): number {
  return latency.counts.reduce((sum, each) => sum + each, 0)
}
