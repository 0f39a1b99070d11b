/** Counts per bucket, as plain data. `counts` has one more entry than `bounds`: what is above the last bound. */
export interface Histogram {
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
  readonly sum: number
}

export const LATENCY_BOUNDS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000] as const
export const BATCH_BOUNDS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000] as const

/** A histogram that is being filled. */
export class HistogramRecorder {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    let bucket = 0
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] ?? 0)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#sum += value
  }

  snapshot(): Histogram {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum }
  }
}

/** Bucket by bucket; both have the same bounds. */
export function addHistograms(a: Histogram, b: Histogram): Histogram {
  return { bounds: b.bounds, counts: b.counts.map((count, i) => count + (a.counts[i] ?? 0)), sum: a.sum + b.sum }
}

/** Half and nearly all of some values lie at or below these. */
export interface Quantiles {
  readonly p50: number
  readonly p99: number
}

/** What came to `now` since `before`, a histogram of the same bounds; undefined when nothing did. */
export function quantilesSince(before: Histogram, now: Histogram): Quantiles | undefined {
  const counts = now.counts.map((count, i) => count - (before.counts[i] ?? 0))
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return undefined
  return { p50: quantile(now.bounds, counts, total * 0.5), p99: quantile(now.bounds, counts, total * 0.99) }
}

/** As Prometheus does it: even within a bucket, and the last bound for what is above all of them. */
function quantile(bounds: readonly number[], counts: readonly number[], rank: number): number {
  let below = 0
  for (const [i, bound] of bounds.entries()) {
    const inBucket = counts[i] ?? 0
    if (inBucket > 0 && below + inBucket >= rank) {
      const from = bounds[i - 1] ?? 0
      return from + ((bound - from) * (rank - below)) / inBucket
    }
    below += inBucket
  }
  return bounds.at(-1) ?? 0
}
