import type { Spread } from './types.ts'

/** Minimum, median and maximum. @throws when there is nothing. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  if (min === undefined || max === undefined) throw new Error('no rounds were measured')
  const upper = sorted[sorted.length >> 1] ?? max
  const lower = sorted[(sorted.length - 1) >> 1] ?? min
  return { min, median: (lower + upper) / 2, max }
}

/** A spread of ratios, round by round. */
export function ratios(values: readonly number[], references: readonly number[]): Spread {
  return spread(values.map((value, round) => value / (references[round] ?? Number.NaN)))
}
