const WIDTH_MS = 10

/** Things that become due, at a hundredth of a second's precision: never early. */
export class Delayed<T> {
  private readonly buckets = new Map<number, T[]>()
  private readonly onDue: (items: readonly T[]) => void
  private timer: NodeJS.Timeout | undefined
  private timerFor = 0

  constructor(onDue: (items: readonly T[]) => void) {
    this.onDue = onDue
  }

  add(items: readonly T[], delayMs: number): void {
    if (items.length === 0) return
    const bucket = Math.ceil((performance.now() + delayMs) / WIDTH_MS)
    const there = this.buckets.get(bucket)
    if (there === undefined) this.buckets.set(bucket, [...items])
    else for (const item of items) there.push(item)
    this.arm(bucket)
  }

  clear(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.buckets.clear()
  }

  private arm(bucket: number): void {
    if (this.timer !== undefined && this.timerFor <= bucket) return
    clearTimeout(this.timer)
    this.timerFor = bucket
    const ms = Math.min(Math.max(0, bucket * WIDTH_MS - performance.now()) + 1, 0x7fff_ffff)
    this.timer = setTimeout(() => this.fire(), ms)
  }

  private fire(): void {
    this.timer = undefined
    const now = performance.now() / WIDTH_MS
    const due: T[] = []
    let next: number | undefined
    for (const [bucket, items] of this.buckets) {
      if (bucket <= now) {
        this.buckets.delete(bucket)
        for (const item of items) due.push(item)
      } else if (next === undefined || bucket < next) next = bucket
    }
    if (next !== undefined) this.arm(next)
    if (due.length > 0) this.onDue(due)
  }
}
