import { isConnectorError } from '@pulsar-io/sdk/core'
import { messageWithCauses, toError } from '../failure.ts'
import { BATCH_BOUNDS, type Histogram, HistogramRecorder, LATENCY_BOUNDS, quantilesSince } from '../histogram.ts'
import { type ErrorEntry, type InstanceSnapshot, type InstanceState, KEPT_ERRORS } from '../snapshot.ts'

/** Milliseconds between the beginnings of what counts as recent. */
const RECENT_MS = 10_000

/** The numbers of one instance while it runs. */
export class TaskStats {
  received = 0
  written = 0
  bytesReceived = 0
  retried = 0
  deadLettered = 0
  deduplicated = 0
  filtered = 0
  inFlight = 0
  lastReceivedTime = 0
  /** Grows with everything that comes in, is settled, or is answered. */
  progress = 0
  readonly latency = new HistogramRecorder(LATENCY_BOUNDS)
  readonly batchSize = new HistogramRecorder(BATCH_BOUNDS)
  readonly #userMetrics = new Map<string, { count: number; sum: number }>()
  readonly #connectorErrors = new ErrorList()
  readonly #systemErrors = new ErrorList()
  readonly #hide: (text: string) => string
  #state: InstanceState = 'starting'
  #reason: string | undefined
  #lastActivity = performance.now()
  #lag: number | undefined
  #lagIsStale = false
  #resting = 0
  /** The latencies at the last two beginnings. */
  #marks: readonly [older: Histogram, newer: Histogram]
  #markedAt = performance.now()

  constructor(hide: (text: string) => string) {
    this.#hide = hide
    const none = this.latency.snapshot()
    this.#marks = [none, none]
  }

  get state(): InstanceState {
    return this.#state
  }

  become(state: InstanceState, reason?: string): void {
    this.#state = state
    this.progress++
    // Whoever begins, or begins again, has had no time yet to be idle in.
    if (state === 'running') this.#lastActivity = performance.now()
    this.#reason = reason === undefined ? undefined : this.#hide(reason)
  }

  /** Something came or was settled: the instance is not idle. */
  active(): void {
    this.#lastActivity = performance.now()
    this.#lagIsStale = true
    this.progress++
  }

  /** Messages that wait in the topics, where the task can tell. */
  set lag(messages: number) {
    this.#lag = messages
    this.#lagIsStale = false
  }

  /** Something came or was settled since the lag was looked at. */
  get lagIsStale(): boolean {
    return this.#lagIsStale
  }

  /** Messages that came up at the last look, and that nothing has been done about since; 0 where that is not known. */
  get waitingMessages(): number {
    return this.#lagIsStale ? 0 : (this.#lag ?? 0)
  }

  /** Waits on purpose: whoever looks for stuck instances leaves this one alone meanwhile. */
  async rest<T>(waiting: Promise<T>): Promise<T> {
    this.#resting++
    try {
      return await waiting
    } finally {
      this.#resting--
      this.progress++
    }
  }

  /** Whether it should get on when it has work: it says nothing to the contrary. */
  get shouldMove(): boolean {
    return this.#state === 'running' && this.#resting === 0
  }

  connectorError(error: unknown): void {
    this.progress++
    this.#connectorErrors.add(error, this.#hide)
  }

  systemError(error: unknown): void {
    this.#systemErrors.add(error, this.#hide)
  }

  userMetric(name: string, value: number): void {
    const metric = this.#userMetrics.get(name) ?? { count: 0, sum: 0 }
    metric.count++
    metric.sum += value
    this.#userMetrics.set(name, metric)
  }

  #waits(): boolean {
    return this.#lag !== undefined && (this.#lag > 0 || this.#lagIsStale)
  }

  #mark(latency: Histogram): void {
    if (performance.now() - this.#markedAt < RECENT_MS) return
    this.#marks = [this.#marks[1], latency]
    this.#markedAt = performance.now()
  }

  snapshot(instanceId: number): InstanceSnapshot {
    const latency = this.latency.snapshot()
    this.#mark(latency)
    return {
      instanceId,
      state: this.#state,
      reason: this.#reason,
      restarts: 0,
      stuck: 0,
      received: this.received,
      written: this.written,
      bytesReceived: this.bytesReceived,
      retried: this.retried,
      deadLettered: this.deadLettered,
      deduplicated: this.deduplicated,
      filtered: this.filtered,
      connectorErrors: this.#connectorErrors.count,
      systemErrors: this.#systemErrors.count,
      latestConnectorErrors: this.#connectorErrors.latest(),
      latestSystemErrors: this.#systemErrors.latest(),
      inFlight: this.inFlight,
      lag: this.#lag,
      lastReceivedTime: this.lastReceivedTime,
      // A pause is idleness only when nothing was waiting after it began: the machine may just be slow.
      idleMs: this.inFlight > 0 || this.#waits() ? 0 : Math.round(performance.now() - this.#lastActivity),
      latency,
      recentLatency: quantilesSince(this.#marks[0], latency),
      batchSize: this.batchSize.snapshot(),
      userMetrics: Object.fromEntries(this.#userMetrics),
    }
  }
}

class ErrorList {
  count = 0
  readonly #latest: ErrorEntry[] = []

  add(thrown: unknown, hide: (text: string) => string): void {
    const error = toError(thrown)
    this.count++
    this.#latest.push({
      message: hide(messageWithCauses(error)),
      code: isConnectorError(error) ? error.code : undefined,
      time: Date.now(),
    })
    if (this.#latest.length > KEPT_ERRORS) this.#latest.shift()
  }

  latest(): readonly ErrorEntry[] {
    return [...this.#latest]
  }
}
