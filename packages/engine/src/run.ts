import { hostname } from 'node:os'
import { ConfigError } from '@pulsar-io/sdk/core'
import type { ConnectorSpec, RestartPolicy, Run, RunningConnector, RunOptions, RunResult } from './api.ts'
import { type ConnectorPlan, planConnector, runningConnector } from './connector-plan.ts'
import { toError } from './failure.ts'
import type { InstanceSpec } from './instance/spec.ts'
import type { InstanceSnapshot } from './snapshot.ts'
import { type SupervisedEnd, Supervisor } from './supervisor.ts'

const DEFAULT_RESTART: RestartPolicy = { minDelayMs: 500, maxDelayMs: 30_000, crashLoopAfter: 5, stuckAfterMs: 300_000 }
const DEFAULT_DRAIN_TIMEOUT_MS = 10_000
/** Milliseconds between looks whether there is still something to do. */
const IDLE_LOOK_MS = 50

/**
 * Starts connectors and resolves once all of them are open.
 * Rejects with everything closed again: ConfigError (wrong configuration), ArchiveError (refused archive),
 * ConnectionError or AuthError (a system that cannot be reached, with `failFast`), or the connector's own error.
 */
export async function startConnectors(specs: readonly ConnectorSpec[], options: RunOptions): Promise<Run> {
  const plans = await Promise.all(specs.map(spec => planConnector(spec, options)))
  refuseTwins(plans)
  for (const { inert, fqn } of plans) {
    for (const message of inert) options.log({ level: 'warn', time: Date.now(), message, connector: fqn })
  }
  const run = new ConnectorRun(plans, options)
  await run.open()
  return run
}

/** Checks what {@link startConnectors} checks before it starts anything, and throws what that would throw. */
export async function checkConnectors(
  specs: readonly ConnectorSpec[],
  options: Pick<RunOptions, 'connectorsDir' | 'cacheDir' | 'allowedUrls'>,
): Promise<void> {
  refuseTwins(await Promise.all(specs.map(spec => planConnector(spec, options))))
}

/** Two connectors of one kind and name would share a subscription and checkpoints without knowing of each other. */
function refuseTwins(plans: readonly ConnectorPlan[]): void {
  const seen = new Set<string>()
  const problems = plans.flatMap(({ kind, fqn }) => {
    const key = `${kind} ${fqn}`
    if (!seen.has(key)) {
      seen.add(key)
      return []
    }
    return [{ path: 'name', message: `two ${kind}s are named ${fqn}; give each a name of its own` }]
  })
  if (problems.length > 0) throw new ConfigError(problems)
}

/** Connectors that run together and end together. */
class ConnectorRun implements Run {
  readonly connectors: readonly RunningConnector[]
  readonly done: Promise<RunResult>
  readonly #supervisors: readonly Supervisor[]
  readonly #options: RunOptions
  readonly #started = performance.now()
  readonly #ends: Promise<readonly SupervisedEnd[]>
  #reason: RunResult['reason'] | undefined
  #idleTimer: NodeJS.Timeout | undefined

  constructor(plans: readonly ConnectorPlan[], options: RunOptions) {
    this.#options = options
    const supervised = plans.map(({ instances }) => instances.map(instance => this.#supervise(instance)))
    this.#supervisors = supervised.flat()
    this.connectors = plans.map((one, i) => {
      const supervisors = supervised[i] ?? []
      return runningConnector(one, () => supervisors.map(supervisor => supervisor.snapshot()), hostname())
    })
    this.#ends = Promise.all(this.#supervisors.map(supervisor => supervisor.ended))
    this.done = this.#ends.then(ends => this.#result(ends))
  }

  /** Resolves when every instance is open. Rejects with the first error, after everything is closed. */
  async open(): Promise<void> {
    for (const supervisor of this.#supervisors) {
      supervisor.start()
      // One that fails for good takes the others with it: half a pipeline is worse than none.
      void supervisor.ended.then(end => this.#onEnd(supervisor, end))
    }
    // Every instance has begun; whatever starts later starts a thread of its own.
    void this.#options.standby?.discard()
    try {
      const opening = this.#options.failFast === false ? [] : this.#supervisors.map(supervisor => supervisor.opened)
      await Promise.all(opening)
    } catch (error) {
      await this.#stopAll('failed')
      await this.done
      throw toError(error)
    }
    if (this.#options.exitWhenIdleMs !== undefined) this.#watchIdle(this.#options.exitWhenIdleMs)
  }

  async stop(): Promise<RunResult> {
    await this.#stopAll('stopped')
    return this.done
  }

  #supervise(spec: InstanceSpec): Supervisor {
    return new Supervisor(spec, {
      isolation: this.#options.isolation ?? 'thread',
      restart: { ...DEFAULT_RESTART, ...this.#options.restart },
      failFast: this.#options.failFast ?? true,
      log: this.#options.log,
      standby: this.#options.standby,
    })
  }

  #onEnd(supervisor: Supervisor, end: SupervisedEnd): void {
    if (end.how === 'failed') void this.#stopAll('failed')
    // Instance 0 of a batch source knows when all tasks are done; the others only wait for more.
    else if (end.how === 'finished' && supervisor.spec.instanceId === 0) {
      for (const sibling of this.#supervisors) {
        if (sibling.spec.fqn === supervisor.spec.fqn && sibling.spec.kind === 'source' && sibling.snapshot().lag === 0)
          sibling.stop(this.#drainTimeoutMs)
      }
    }
  }

  get #drainTimeoutMs(): number {
    return this.#options.drainTimeoutMs ?? DEFAULT_DRAIN_TIMEOUT_MS
  }

  /** Sources stop before sinks, so that a pipeline's last records still get through its topic. */
  async #stopAll(reason: RunResult['reason']): Promise<void> {
    this.#reason ??= reason
    clearInterval(this.#idleTimer)
    const sources = this.#supervisors.filter(({ spec }) => spec.kind === 'source')
    for (const source of sources) source.stop(this.#drainTimeoutMs)
    await Promise.all(sources.map(source => source.ended))
    for (const supervisor of this.#supervisors) supervisor.stop(this.#drainTimeoutMs)
  }

  #watchIdle(idleMs: number): void {
    this.#idleTimer = setInterval(() => {
      const snapshots = this.#supervisors.map(supervisor => supervisor.snapshot())
      if (snapshots.every((snapshot, i) => isIdle(snapshot, idleMs, this.#supervisors[i]?.spec.kind === 'sink')))
        void this.#stopAll('idle')
    }, IDLE_LOOK_MS)
  }

  #result(ends: readonly SupervisedEnd[]): RunResult {
    clearInterval(this.#idleTimer)
    const snapshots = this.#supervisors.map(supervisor => supervisor.snapshot())
    const sum = (pick: (snapshot: InstanceSnapshot) => number) =>
      snapshots.reduce((total, snapshot) => total + pick(snapshot), 0)
    const failed = ends.find(end => end.how === 'failed')
    return {
      reason: failed ? 'failed' : (this.#reason ?? 'finished'),
      ...(failed?.how === 'failed' ? { error: failed.error } : {}),
      recordsIn: sum(snapshot => snapshot.received),
      recordsOut: sum(snapshot => snapshot.written),
      deadLettered: sum(snapshot => snapshot.deadLettered),
      retried: sum(snapshot => snapshot.retried),
      filtered: sum(snapshot => snapshot.filtered),
      seconds: (performance.now() - this.#started) / 1000,
      undrained: ends.reduce((total, end) => total + (end.how === 'stopped' ? end.undrained : 0), 0),
    }
  }
}

/** A connector that has ended is idle; one that waits for a lost system is not, for its records still have to go. */
function isIdle(snapshot: InstanceSnapshot, idleMs: number, sink: boolean): boolean {
  if (snapshot.state === 'finished' || snapshot.state === 'stopped') return true
  if (snapshot.state !== 'running') return false
  // A sink that has not told yet what waits for it may have everything before it.
  const lag = snapshot.lag ?? (sink ? Number.POSITIVE_INFINITY : 0)
  return snapshot.idleMs >= idleMs && snapshot.inFlight === 0 && lag === 0
}
