import type { InstanceSnapshot, RunningConnector } from '@pulsar-io/engine'

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

/** Pulsar's WorkerFunctionInstanceStats of what runs here. Numbers of the last minute are not kept in this form: see `/metrics`. */
export function functionsMetrics(connectors: readonly RunningConnector[]): readonly object[] {
  return connectors.flatMap(({ fqn, snapshots }) =>
    snapshots().map(snapshot => ({ name: `${fqn}:${snapshot.instanceId}`, metrics: numbersOf(snapshot) })),
  )
}

function numbersOf(snapshot: InstanceSnapshot): object {
  const { latency } = snapshot
  const batches = latency.counts.reduce((sum, count) => sum + count, 0)
  const own = Object.entries(snapshot.userMetrics).map(([name, { sum }]) => [name, sum] as const)
  return {
    receivedTotal: snapshot.received,
    processedSuccessfullyTotal: snapshot.written,
    systemExceptionsTotal: snapshot.systemErrors,
    userExceptionsTotal: snapshot.connectorErrors,
    avgProcessLatency: batches === 0 ? null : latency.sum / batches,
    '1min': {
      receivedTotal: 0,
      processedSuccessfullyTotal: 0,
      systemExceptionsTotal: 0,
      userExceptionsTotal: 0,
      avgProcessLatency: null,
    },
    lastInvocation: snapshot.lastReceivedTime === 0 ? null : snapshot.lastReceivedTime,
    userMetrics: Object.fromEntries(own),
  }
}
