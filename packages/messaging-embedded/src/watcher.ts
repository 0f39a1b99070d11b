import { bellOf, type Environment } from './environment.ts'

const FASTEST_MS = 1
const SLOWEST_MS = 100
/** How many looks fit into the time since the last news: what comes waits for a small part of the pause before it. */
const LOOKS_PER_PAUSE = 8
/** Everybody is asked that often, whatever the bells say: some rare changes (a deleted topic) ring none. */
const ASK_ALL_MS = 500
/** For those who want to hear of every commit. */
const EVERY = -1

/**
 * Notices what other threads and processes commit: one timer per thread, which compares two records and asks nobody
 * unless they changed; then only those whose topic's bell rang. It looks every millisecond while there is news of its own
 * topics, and the longer they are quiet the more seldom, at least every 100 ms: what goes on elsewhere costs a look, and many
 * idle threads hardly anything. It never takes more than a tenth of the thread's time.
 */
export class Watcher {
  private readonly env: Environment
  private readonly report: (error: unknown) => void
  private readonly lookers = new Map<number, { readonly looks: Set<() => void>; heard: string }>()
  private timer: NodeJS.Timeout | undefined
  private pace = FASTEST_MS
  private newsAt = performance.now()
  private waits = 0
  private lastNews = ''
  private askedAll = 0

  constructor(env: Environment, report: (error: unknown) => void) {
    this.env = env
    this.report = report
  }

  /** Calls `look` whenever something was committed, about one topic or at all. Returns how to stop. */
  watch(look: () => void, topicId?: number): () => void {
    const bell = topicId === undefined ? EVERY : bellOf(topicId)
    let group = this.lookers.get(bell)
    if (group === undefined) {
      group = { looks: new Set(), heard: '' }
      this.lookers.set(bell, group)
    }
    const { looks } = group
    looks.add(look)
    this.schedule()
    return () => {
      looks.delete(look)
      if (looks.size === 0) this.lookers.delete(bell)
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
      const started = performance.now()
      this.env.refresh()
      const news = this.env.news()
      const all = started - this.askedAll > ASK_ALL_MS
      if (news !== this.lastNews || all) {
        this.lastNews = news
        if (this.askAround(all)) this.newsAt = started
        if (all) this.askedAll = started
      }
      // Many lookers take their time: they never get more than a tenth of the thread.
      const atLeast = Math.max(FASTEST_MS, Math.round((performance.now() - started) * 9))
      this.pace = Math.min(SLOWEST_MS, Math.max(atLeast, Math.floor((started - this.newsAt) / LOOKS_PER_PAUSE)))
    } catch (error) {
      this.report(error)
    }
    this.schedule()
  }

  /** Asks those who may have news. Returns whether the bell of a topic rang. */
  private askAround(all: boolean): boolean {
    let rang = false
    for (const [bell, group] of this.lookers) {
      if (bell !== EVERY) {
        const heard = this.env.bell(bell)
        if (heard !== group.heard) rang = true
        else if (!all) continue
        group.heard = heard
      }
      for (const look of group.looks) look()
    }
    return rang
  }
}
