import { rate, type Totals } from '../numbers.ts'

/** Points that charts keep: half an hour of readings, two seconds apart. */
const MAX_POINTS = 900

/** One reading, for charts. */
export interface Point {
  /** Seconds since 1970. */
  readonly time: number
  readonly rate: number | null
  readonly lag: number | null
  readonly latency: number | null
  readonly totals: Totals
}

/** The history with one reading more; the oldest goes when there are too many. */
export function withReading(history: readonly Point[], now: Totals, time: number): readonly Point[] {
  const point = {
    time,
    rate: rate(history.at(-1)?.totals, now) ?? null,
    lag: now.lag ?? null,
    latency: now.latency ?? null,
    totals: now,
  }
  return [...history, point].slice(-MAX_POINTS)
}
