import type { Isolation, RestartPolicy } from './api.ts'
import { Backoff } from './backoff.ts'
import { type Failure, fromFailure } from './failure.ts'
import type { LaunchedInstance } from './instance/launch.ts'
import { launch } from './instance/launch.ts'
import type { InstanceEnd, InstanceMessage } from './instance/protocol.ts'
import type { InstanceSpec } from './instance/spec.ts'
import type { StandbyThread } from './instance/standby.ts'
import type { InstanceLease } from './lease.ts'
import { LOG_LEVELS, type LogLevel, type LogLine } from './log.ts'
import { addCounters, emptySnapshot, type InstanceSnapshot, type InstanceState } from './snapshot.ts'
import { type StuckFinding, StuckWatch } from './stuck-watch.ts'
import { defer, sleep } from './wait.ts'

/** An instance that lives this long, in milliseconds, has recovered from its crashes. */
const HEALTHY_AFTER_MS = 60_000
/** Milliseconds that a stopping instance gets beyond its drain timeout before it is killed. */
const KILL_AFTER_MS = 15_000
/** Milliseconds before the first retry of an instance that failed for good. */
const FIRST_FAILED_RETRY_MS = 1_000

/** How the whole life of an instance ended. */
export type SupervisedEnd =
  | { readonly how: 'stopped'; readonly undrained: number }
  | { readonly how: 'finished' }
  | { readonly how: 'failed'; readonly error: Error }

/** What a supervisor needs to know. */
export interface SupervisorOptions {
  readonly isolation: Isolation
  readonly restart: RestartPolicy
  /** End with the error when the first open fails because a system is away, instead of trying again. */
  readonly failFast: boolean
  readonly log: (line: LogLine) => void
  /** Until when it may write. */
  readonly lease?: InstanceLease | undefined
  /** A thread that is there already. */
  readonly standby?: StandbyThread | undefined
}

/** Keeps one instance alive: starts it, starts it again after a crash, and tells how it is. */
export class Supervisor {
  readonly spec: InstanceSpec
  /** Resolves at the first good open; rejects when there will be none. */
  readonly opened: Promise<void>
  /** Resolves when the instance will not run again. */
  readonly ended: Promise<SupervisedEnd>
  readonly #options: SupervisorOptions
  readonly #opened = defer<void>()
  readonly #ended = defer<SupervisedEnd>()
  readonly #stopping = new AbortController()
  readonly #backoff: Backoff
  /** Waits behind failures that only somebody else can cure, and that may be over soon all the same. */
  readonly #failedBackoff: Backoff
  #instance: LaunchedInstance | undefined
  /** Numbers of the instance's earlier lives. */
  #before: InstanceSnapshot
  #now: InstanceSnapshot
  #override: { state: InstanceState; reason: string | undefined } | undefined
  #wasOpen = false
  #openedAt = 0
  #crashes = 0
  #killAt = Number.POSITIVE_INFINITY
  #killed = false
  #held = false
  #restarts = 0
  readonly #stuckAfterMs: number
  readonly #watch: StuckWatch
  /** Set while a stuck instance is being ended. */
  #stuck: { readonly failure: Failure; readonly over: AbortController } | undefined
  #stuckCount = 0
  /** Resolves when nothing of a stuck instance is left. */
  #gone: Promise<void> = Promise.resolve()

  constructor(spec: InstanceSpec, options: SupervisorOptions) {
    this.spec = spec
    this.#options = options
    this.#backoff = new Backoff(options.restart)
    const { failedRetryMs = 0 } = options.restart
    this.#failedBackoff = new Backoff({
      minDelayMs: Math.min(FIRST_FAILED_RETRY_MS, failedRetryMs),
      maxDelayMs: failedRetryMs,
    })
    this.#stuckAfterMs = spec.stuckAfterMs ?? options.restart.stuckAfterMs
    this.#watch = new StuckWatch(this.#stuckAfterMs, finding => this.#onStuck(finding))
    this.#before = emptySnapshot(spec.instanceId)
    this.#now = this.#before
    this.opened = this.#opened.promise
    this.ended = this.#ended.promise
    // Who started it looks at `opened` while it opens; later nobody has to.
    this.opened.catch(() => undefined)
  }

  start(): void {
    this.#openedAt = 0
    this.#watch.begin()
    const { isolation, lease, standby } = this.#options
    this.#instance = launch(this.spec, isolation, message => this.#receive(message), lease, standby)
    if (this.#held) this.#instance.hold(true)
  }

  /** Keeps it from taking records, or lets it again; open it stays. Holds for its later lives, too. */
  hold(held: boolean): void {
    if (held === this.#held) return
    this.#held = held
    this.#instance?.hold(held)
  }

  /**
   * Stops for good; see {@link Supervisor.ended}. What has not ended by itself within `withinMs` is killed; asked again,
   * the shorter time counts.
   */
  stop(drainTimeoutMs: number, withinMs = drainTimeoutMs + KILL_AFTER_MS): void {
    const first = !this.#stopping.signal.aborted
    this.#stopping.abort()
    this.#watch.end()
    if (!this.#instance) return
    if (first) this.#instance.stop(drainTimeoutMs)
    const at = performance.now() + withinMs
    if (at >= this.#killAt) return
    this.#killAt = at
    void this.#killLater(this.#instance, withinMs)
  }

  snapshot(): InstanceSnapshot {
    const now = addCounters(this.#before, this.#now)
    return {
      ...now,
      ...(this.#held && now.state === 'running' ? { state: 'paused' as const } : {}),
      restarts: this.#restarts,
      stuck: this.#stuckCount,
      ...this.#override,
    }
  }

  #receive(message: InstanceMessage): void {
    switch (message.type) {
      case 'opened':
        this.#wasOpen = true
        // Until then a restarted instance is shown in the state that its crash left.
        this.#override = undefined
        this.#openedAt = performance.now()
        this.#failedBackoff.reset()
        this.#opened.resolve()
        return
      case 'snapshot':
        this.#now = message.snapshot
        this.#watch.hear(message.liveness, message.snapshot.received)
        return
      case 'log':
        this.#options.log(message.line)
        return
      case 'ended':
        this.#watch.end()
        this.#onEnd(this.#stuck === undefined ? message.end : this.#endOfStuck(this.#stuck))
    }
  }

  /** It has work and does nothing: only a new start helps, for nobody knows what it waits for. */
  #onStuck({ waitsFor, silent }: StuckFinding): void {
    const instance = this.#instance
    if (!instance || this.#stopping.signal.aborted) return
    const seconds = this.#stuckAfterMs / 1000
    const message = `no progress for ${seconds} s: ${waitsFor}`
    const over = new AbortController()
    this.#stuck = {
      failure: { message, code: 'PIO_STUCK', retry: 'retry', problems: undefined, stack: undefined },
      over,
    }
    this.#stuckCount++
    this.#override = { state: 'stuck', reason: message }
    const { inFlight, lag } = this.#now
    this.#log('error', 'stuck; ending it to start it anew', { reason: message, code: 'PIO_STUCK', inFlight, lag })
    void this.#endStuck(instance, silent ? 0 : KILL_AFTER_MS, over.signal)
  }

  async #endStuck(instance: LaunchedInstance, withinMs: number, over: AbortSignal): Promise<void> {
    instance.stop(0)
    await sleep(withinMs, over)
    if (!over.aborted) await instance.kill()
  }

  /** However it ended, it did because it was stuck. */
  #endOfStuck({ failure, over }: { readonly failure: Failure; readonly over: AbortController }): InstanceEnd {
    over.abort()
    this.#stuck = undefined
    // What hangs may be alive behind a close that was given up, and must not write beside its successor.
    this.#gone = this.#instance?.kill() ?? Promise.resolve()
    return { how: 'failed', failure }
  }

  #onEnd(end: InstanceEnd): void {
    this.#instance = undefined
    if (end.how !== 'failed') {
      this.#finish(end, end.how)
      return
    }
    const error = fromFailure(end.failure)
    if (this.#stopping.signal.aborted) {
      // One that never opened has nothing in flight, and mostly fails for the reason that everything is stopped for.
      this.#log(
        this.#wasOpen ? 'error' : 'debug',
        'failed while it was stopping; what was not settled will be handed out again',
        {
          reason: error.message,
        },
      )
      this.#finish({ how: 'stopped', undrained: this.#now.inFlight }, 'stopped')
    } else if (!this.#isFinal(end)) void this.#restart(error, end)
    else if (this.#options.restart.failedRetryMs === undefined)
      this.#finish({ how: 'failed', error }, 'failed', error.message)
    else void this.#retryFailed(error, end)
  }

  #isFinal(end: InstanceEnd & { how: 'failed' }): boolean {
    const { retry } = end.failure
    if (retry === 'stop') return true
    if (!this.#wasOpen) return retry === 'reconnect' || retry === 'block' ? this.#options.failFast : true
    if (this.#openedAt > 0 && performance.now() - this.#openedAt >= HEALTHY_AFTER_MS) {
      this.#crashes = 0
      this.#backoff.reset()
    }
    this.#crashes++
    const { giveUpAfter } = this.#options.restart
    return giveUpAfter !== undefined && this.#crashes >= giveUpAfter
  }

  /** What it failed for may be put right from outside, such as a secret that is not there yet. */
  async #retryFailed(error: Error, end: InstanceEnd & { how: 'failed' }): Promise<void> {
    const waitMs = this.#failedBackoff.next()
    const { code } = end.failure
    this.#newLife({ state: 'failed', reason: error.message }, code)
    this.#log('error', 'failed', { reason: error.message, code, retryInMs: waitMs, ...stackOf(end, error) })
    await this.#startAfter(waitMs)
  }

  async #restart(error: Error, end: InstanceEnd & { how: 'failed' }): Promise<void> {
    const waitMs = this.#backoff.next()
    const away = end.failure.retry === 'reconnect' || end.failure.retry === 'block'
    const looping = this.#crashes >= this.#options.restart.crashLoopAfter
    this.#newLife(
      { state: away ? 'reconnecting' : looping ? 'crash-loop' : 'restarting', reason: error.message },
      end.failure.code,
    )
    this.#log(
      away ? 'warn' : 'error',
      away ? 'cannot open yet; trying again' : 'the instance crashed; starting it again',
      {
        reason: error.message,
        code: end.failure.code,
        retryInMs: waitMs,
        ...stackOf(end, error),
      },
    )
    await this.#startAfter(waitMs)
  }

  /** Keeps the numbers of the life that ended, and what ended it. */
  #newLife(shown: { state: InstanceState; reason: string }, code: string | undefined): void {
    const crash = { message: shown.reason, code, time: Date.now() }
    this.#before = addCounters(this.#before, {
      ...this.#now,
      systemErrors: this.#now.systemErrors + 1,
      latestSystemErrors: [...this.#now.latestSystemErrors, crash],
    })
    this.#now = emptySnapshot(this.spec.instanceId)
    this.#override = shown
    if (this.#wasOpen) this.#restarts++
  }

  async #startAfter(waitMs: number): Promise<void> {
    await this.#gone
    await sleep(waitMs, this.#stopping.signal)
    if (this.#stopping.signal.aborted) this.#finish({ how: 'stopped', undrained: 0 }, 'stopped')
    else this.start()
  }

  #finish(end: SupervisedEnd, state: InstanceState, reason?: string): void {
    this.#override = { state, reason }
    if (end.how === 'failed') this.#opened.reject(end.error)
    else this.#opened.resolve()
    this.#ended.resolve(end)
  }

  async #killLater(instance: LaunchedInstance, afterMs: number): Promise<void> {
    const done = new AbortController()
    void this.ended.then(() => done.abort())
    await sleep(afterMs, done.signal)
    if (done.signal.aborted || this.#killed) return
    this.#killed = true
    this.#log('error', 'did not stop in time; ending it', { afterMs: Math.round(afterMs) })
    await instance.kill()
  }

  #log(level: LogLevel, message: string, fields: { [name: string]: unknown }): void {
    // What the instance itself says comes chosen by its level.
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.spec.logLevel)) return
    this.#options.log({
      level,
      time: Date.now(),
      message,
      connector: this.spec.fqn,
      instance: this.spec.instanceId,
      fields,
    })
  }
}

/** A bug is found by its stack; an error with a code says what to do. */
function stackOf({ failure }: InstanceEnd & { how: 'failed' }, error: Error): { readonly stack?: string | undefined } {
  return failure.code === undefined ? { stack: error.stack } : {}
}
