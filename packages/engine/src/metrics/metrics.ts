import type { Metric, Registry } from 'prom-client'
import type { RunningConnector } from '../api.ts'
import { emptySnapshot, type InstanceSnapshot } from '../snapshot.ts'
import { type MetricFamily, metricFamilies } from './families.ts'

const MINUTE_MS = 60_000

/** Connectors and their process in Prometheus' text format. */
export interface Metrics {
  readonly contentType: string
  text(): Promise<string>
  /** The snapshot of an instance at the start of the current minute; one without numbers where it is younger. */
  minuteAgo(connector: RunningConnector, now: InstanceSnapshot): InstanceSnapshot
  close(): void
}

/**
 * Begins to watch connectors for their metrics.
 *
 * @param connectors those that run at the moment
 */
export async function openMetrics(connectors: () => readonly RunningConnector[]): Promise<Metrics> {
  const { collectDefaultMetrics, Registry: PromRegistry } = await import('./prom-client.ts')
  const processMetrics = new PromRegistry()
  collectDefaultMetrics({ register: processMetrics })
  const minutes = new MinuteBaselines()
  const minuteTimer = setInterval(() => minutes.turn(connectors()), MINUTE_MS)
  minuteTimer.unref()
  return {
    contentType: processMetrics.contentType,
    async text() {
      const own = new PromRegistry()
      for (const family of metricFamilies(connectors(), minutes.of)) register(own, family)
      return (await Promise.all([own.metrics(), processMetrics.metrics()])).join('\n')
    },
    minuteAgo: ({ kind, fqn }, now) => minutes.of(`${kind} ${fqn}`, now),
    close: () => clearInterval(minuteTimer),
  }
}

/** Counters of the current minute are what came since its start. */
class MinuteBaselines {
  #baselines = new Map<string, InstanceSnapshot>()

  turn(connectors: readonly RunningConnector[]): void {
    this.#baselines = new Map(
      connectors.flatMap(connector =>
        connector
          .snapshots()
          .map(snapshot => [`${connector.kind} ${connector.fqn} ${snapshot.instanceId}`, snapshot] as const),
      ),
    )
  }

  readonly of = (connector: string, now: InstanceSnapshot): InstanceSnapshot =>
    this.#baselines.get(`${connector} ${now.instanceId}`) ?? emptySnapshot(now.instanceId)
}

/** prom-client writes the text; all it asks of a metric is its name and its numbers. */
function register(registry: Registry, family: MetricFamily): void {
  const metric = { name: family.name, get: async () => ({ ...family, aggregator: 'sum' }) }
  registry.registerMetric(metric as unknown as Metric)
}
