import type { Logger, Metrics } from '@pulsar-io/sdk'

/** Milliseconds between two lines about the same thing. */
const LOG_EVERY_MS = 10_000

interface Count {
  total: number
  unlogged: number
  detail: string
}

/**
 * Counts what clients lost and why. Each metric goes up at once; the log gets the first of its kind and then one line
 * with the number every ten seconds, because whoever floods the port must not flood the log.
 */
export class Tally {
  readonly #logger: Logger
  readonly #metrics: Metrics
  readonly #counts = new Map<string, Count>()
  #timer: NodeJS.Timeout | undefined

  constructor(logger: Logger, metrics: Metrics) {
    this.#logger = logger
    this.#metrics = metrics
  }

  /** `by` more of `what`, a fixed text; `detail` tells of the last one. `metric` is the number that goes up. */
  add(metric: string, what: string, detail: string, by = 1): void {
    this.#metrics.record(metric, by)
    const count = this.#counts.get(what)
    if (!count) {
      this.#counts.set(what, { total: by, unlogged: 0, detail })
      this.#logger.warn(`${what}: ${detail}`, { total: by })
      this.#timer ??= setInterval(() => this.#flush(), LOG_EVERY_MS).unref()
      return
    }
    count.total += by
    count.unlogged += by
    count.detail = detail
  }

  /** Logs what is not logged yet. */
  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#flush()
  }

  #flush(): void {
    for (const [what, count] of this.#counts) {
      if (count.unlogged === 0) continue
      this.#logger.warn(`${what}: ${count.unlogged} more, the last one: ${count.detail}`, { total: count.total })
      count.unlogged = 0
    }
  }
}
