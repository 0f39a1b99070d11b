/** Where one waits until another wakes it, a time is over or a signal aborts. */
export class WaitPoint {
  private waiting: (() => void) | undefined

  wake(): void {
    this.waiting?.()
  }

  wait(ms: number | undefined, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise(resolve => {
      const timer = ms === undefined ? undefined : setTimeout(() => done(), ms)
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        this.waiting = undefined
        resolve()
      }
      this.waiting = done
      signal?.addEventListener('abort', done, { once: true })
    })
  }
}

/** Groups of things, each with a timer until it is due; never early. */
export class Later<T> {
  private readonly onDue: (items: readonly T[]) => void
  private readonly timers = new Set<NodeJS.Timeout>()

  constructor(onDue: (items: readonly T[]) => void) {
    this.onDue = onDue
  }

  add(items: readonly T[], ms: number): void {
    if (items.length === 0) return
    const timer = setTimeout(
      () => {
        this.timers.delete(timer)
        this.onDue(items)
      },
      // Timers of Node count whole milliseconds, and round down.
      Math.min(Math.ceil(ms) + 1, 0x7fff_ffff),
    )
    this.timers.add(timer)
  }

  clear(): void {
    for (const timer of this.timers) clearTimeout(timer)
    this.timers.clear()
  }
}
