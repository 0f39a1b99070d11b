import type { ByteReader, ByteWriter } from './bytes.ts'

/**
 * A set of whole numbers, kept as sorted half-open ranges `[start, end)`. Acknowledged, claimed and waiting messages of a
 * topic are sets of ordinals, and nearly always a few long runs.
 */
export class RangeSet {
  /** start0, end0, start1, end1, …; strictly growing, so that neighbouring ranges never touch. */
  private bounds: number[] = []
  private total = 0

  static of(start: number, end: number): RangeSet {
    const set = new RangeSet()
    set.add(start, end)
    return set
  }

  /** How many numbers are in the set. */
  get size(): number {
    return this.total
  }

  /** How many separate ranges there are. */
  get rangeCount(): number {
    return this.bounds.length / 2
  }

  /** The smallest number, undefined when the set is empty. */
  get first(): number | undefined {
    return this.bounds[0]
  }

  /** The number behind the largest one, 0 when the set is empty. */
  get end(): number {
    return this.bounds[this.bounds.length - 1] ?? 0
  }

  has(value: number): boolean {
    // An odd number of bounds at or before the value means that a range has begun and not ended.
    return this.upperBound(value) % 2 === 1
  }

  /** The smallest number from `from` on that is not in the set. */
  firstAbsent(from: number): number {
    const at = this.upperBound(from)
    return at % 2 === 1 ? (this.bounds[at] as number) : from
  }

  add(start: number, end: number): void {
    if (end <= start) return
    const { bounds } = this
    const last = bounds.length - 1
    if (last < 0 || start > (bounds[last] as number)) {
      bounds.push(start, end)
      this.total += end - start
      return
    }
    // Ranges that overlap or touch [start, end) become one with it.
    let from = this.lowerBound(start)
    if (from % 2 === 1) from -= 1
    let to = this.upperBound(end)
    if (to % 2 === 1) to += 1
    const mergedStart = from < bounds.length ? Math.min(start, bounds[from] as number) : start
    const mergedEnd = to > from ? Math.max(end, bounds[to - 1] as number) : end
    let replaced = 0
    for (let i = from; i < to; i += 2) replaced += (bounds[i + 1] as number) - (bounds[i] as number)
    bounds.splice(from, to - from, mergedStart, mergedEnd)
    this.total += mergedEnd - mergedStart - replaced
  }

  remove(start: number, end: number): void {
    if (end <= start || this.bounds.length === 0) return
    const { bounds } = this
    // Only ranges that share a number with [start, end).
    let from = this.upperBound(start)
    if (from % 2 === 1) from -= 1
    let to = this.lowerBound(end)
    if (to % 2 === 1) to += 1
    if (from >= to) return
    const firstStart = bounds[from] as number
    const lastEnd = bounds[to - 1] as number
    let removed = 0
    for (let i = from; i < to; i += 2) removed += (bounds[i + 1] as number) - (bounds[i] as number)
    const kept: number[] = []
    if (firstStart < start) kept.push(firstStart, start)
    if (lastEnd > end) kept.push(end, lastEnd)
    for (let i = 0; i < kept.length; i += 2) removed -= (kept[i + 1] as number) - (kept[i] as number)
    bounds.splice(from, to - from, ...kept)
    this.total -= removed
  }

  addAll(other: RangeSet): void {
    for (let i = 0; i < other.bounds.length; i += 2) this.add(other.bounds[i] as number, other.bounds[i + 1] as number)
  }

  removeAll(other: RangeSet): void {
    if (this.total === 0) return
    const end = this.end
    const from = other.upperBound(this.bounds[0] as number)
    for (let i = from % 2 === 1 ? from - 1 : from; i < other.bounds.length; i += 2) {
      const start = other.bounds[i] as number
      if (start >= end) return
      this.remove(start, other.bounds[i + 1] as number)
    }
  }

  clear(): void {
    this.bounds = []
    this.total = 0
  }

  clone(): RangeSet {
    const copy = new RangeSet()
    copy.bounds = this.bounds.slice()
    copy.total = this.total
    return copy
  }

  /** Calls `visitor` with each range in order; stops when it returns false. */
  visit(visitor: (start: number, end: number) => boolean | void): void {
    for (let i = 0; i < this.bounds.length; i += 2) {
      if (visitor(this.bounds[i] as number, this.bounds[i + 1] as number) === false) return
    }
  }

  /** The numbers of `[start, end)` that are in this set. */
  intersection(start: number, end: number): RangeSet {
    const result = new RangeSet()
    const from = this.upperBound(start)
    for (let i = from % 2 === 1 ? from - 1 : from; i < this.bounds.length; i += 2) {
      const a = this.bounds[i] as number
      if (a >= end) break
      result.add(Math.max(a, start), Math.min(this.bounds[i + 1] as number, end))
    }
    return result
  }

  write(out: ByteWriter): void {
    out.varint(this.rangeCount)
    let previous = 0
    for (const bound of this.bounds) {
      out.varint(bound - previous)
      previous = bound
    }
  }

  static read(from: ByteReader): RangeSet {
    const set = new RangeSet()
    const count = from.varint()
    let previous = 0
    for (let i = 0; i < count * 2; i += 1) {
      const bound = previous + from.varint()
      set.bounds.push(bound)
      if (i % 2 === 1) set.total += bound - previous
      previous = bound
    }
    return set
  }

  /** Index of the first bound that is not smaller than `value`. */
  private lowerBound(value: number): number {
    let low = 0
    let high = this.bounds.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.bounds[middle] as number) < value) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Index of the first bound that is larger than `value`. */
  private upperBound(value: number): number {
    let low = 0
    let high = this.bounds.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.bounds[middle] as number) <= value) low = middle + 1
      else high = middle
    }
    return low
  }
}
