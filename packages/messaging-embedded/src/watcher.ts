import type { Environment } from './environment.ts'

const FASTEST_MS = 1
const SLOWEST_MS = 25
/** Looks without news until the pace halves. */
const PATIENCE = 20

/**
 * Notices what other threads and processes commit: one timer per thread, which compares two numbers and asks nobody
 * unless they changed. It looks every millisecond while there is news and every 25 ms when it is quiet. It never takes
 * more than a tenth of the thread's time.
 */
export class Watcher {
  private readonly env: Environment
  private readonly report: (error: unknown) => void
  private readonly lookers = new Set<() => void>()
  private timer: NodeJS.Timeout | undefined
  private pace = FASTEST_MS
  private quiet = 0
  private waits = 0
  private lastCommit = ''

  constructor(env: Environment, report: (error: unknown) => void) {
    this.env = env
    this.report = report
  }

  /** Calls `look` whenever something was committed. Returns how to stop. */
  watch(look: () => void): () => void {
    this.lookers.add(look)
    this.schedule()
    return () => {
      this.lookers.delete(look)
      if (this.lookers.size === 0) this.stop()
    }
  }

  /** While somebody waits for news the timer keeps the process alive. Returns how to end the wait. */
  wait(): () => void {
    this.waits += 1
    this.timer?.ref()
    let waiting = true
    return () => {
      if (!waiting) return
      waiting = false
      this.waits -= 1
      if (this.waits === 0) this.timer?.unref()
    }
  }

  stop(): void {
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private schedule(): void {
    if (this.timer !== undefined || this.lookers.size === 0) return
    this.timer = setTimeout(() => this.look(), this.pace)
    if (this.waits === 0) this.timer.unref()
  }

  private look(): void {
    this.timer = undefined
    try {
      const commit = this.env.lastCommit()
      if (commit === this.lastCommit) this.slowDown()
      else {
        this.lastCommit = commit
        this.quiet = 0
        const started = performance.now()
        this.env.refresh()
        for (const look of this.lookers) look()
        // Many lookers take their time: they never get more than a tenth of the thread.
        this.pace = Math.min(SLOWEST_MS, Math.max(FASTEST_MS, Math.round((performance.now() - started) * 9)))
      }
    } catch (error) {
      this.report(error)
    }
    this.schedule()
  }

  private slowDown(): void {
    this.quiet += 1
    if (this.quiet < PATIENCE) return
    this.quiet = 0
    this.pace = Math.min(SLOWEST_MS, this.pace * 2)
  }
}
