/** What became of numbered records. */
export interface Tally {
  readonly lost: readonly number[]
  readonly duplicated: readonly number[]
  /** Records whose first appearance came after that of a higher number. */
  readonly reordered: readonly number[]
  /** Numbers that were never sent, and values that are no longer what was sent. */
  readonly alien: readonly unknown[]
}

/** The record of a number. The text depends on the number, so that a mixed-up record is noticed. */
export function numbered(n: number): { readonly n: number; readonly text: string } {
  return { n, text: `record ${(n * 2_654_435_761) % 4_294_967_296}` }
}

/** Records 0 to `count` - 1 as lines of JSON. */
export function numberedLines(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => JSON.stringify(numbered(from + i)))
}

/**
 * Compares what arrived, in the order of arrival, with records 0 to `count` - 1.
 *
 * @param groupOf order has to be kept among the records of a group only; default: all are one group
 */
export function tally(arrived: readonly unknown[], count: number, groupOf: (n: number) => number = () => 0): Tally {
  const seen = new Map<number, number>()
  const highest = new Map<number, number>()
  const reordered: number[] = []
  const alien: unknown[] = []
  for (const value of arrived) {
    const n = numberOf(value)
    if (n === undefined || n < 0 || n >= count) {
      alien.push(value)
      continue
    }
    const times = seen.get(n) ?? 0
    seen.set(n, times + 1)
    const group = groupOf(n)
    const before = highest.get(group) ?? -1
    if (times === 0 && n < before) reordered.push(n)
    highest.set(group, Math.max(before, n))
  }
  const lost: number[] = []
  for (let n = 0; n < count; n++) if (!seen.has(n)) lost.push(n)
  return { lost, duplicated: [...seen].filter(([, times]) => times > 1).map(([n]) => n), reordered, alien }
}

/** The number of an intact record. */
function numberOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { n, text } = value as { n?: unknown; text?: unknown }
  if (typeof n !== 'number' || !Number.isInteger(n)) return undefined
  return text === numbered(n).text ? n : undefined
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32, by the formula). */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
