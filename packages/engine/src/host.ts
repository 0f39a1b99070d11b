import type { Isolation, RestartPolicy } from './api.ts'
import type { ConnectorPlan } from './connector-plan.ts'
import type { InstanceLease } from './lease.ts'
import type { LogLine } from './log.ts'
import type { InstanceSnapshot } from './snapshot.ts'
import { Supervisor } from './supervisor.ts'

/** How single instances are run. */
export interface HostOptions {
  /** Default `thread`. */
  readonly isolation?: Isolation
  readonly restart?: Partial<RestartPolicy>
  /** Gets every log line of the instance; secrets are already hidden. */
  readonly log: (line: LogLine) => void
  /** Until when the instance may write, where another worker gets it afterwards. */
  readonly lease?: InstanceLease | undefined
}

/** One instance that runs by itself: how it ends touches nobody else. */
export interface HostedInstance {
  /** Resolves once it is open, or has ended without ever being. Never rejects. */
  readonly opened: Promise<void>
  snapshot(): InstanceSnapshot
  /** Keeps it from taking records, or lets it again. It stays open, and what it has in hand is settled. */
  hold(held: boolean): void
  /**
   * Stops pulling, settles what is in flight, closes; resolves then. What is not through within `withinMs` (default: the
   * drain timeout and some seconds) is killed. May be called again, also with a shorter time.
   */
  stop(drainTimeoutMs: number, withinMs?: number): Promise<void>
}

const RESTART: RestartPolicy = {
  minDelayMs: 500,
  maxDelayMs: 30_000,
  crashLoopAfter: 5,
  stuckAfterMs: 300_000,
  failedRetryMs: 60_000,
}

/**
 * Runs one instance of a planned connector for as long as nobody stops it. A system that is away is waited for; an
 * instance that fails for good says why in its snapshot, and is tried again, in the end once a minute.
 *
 * @throws RangeError when the connector has no such instance
 */
export function hostInstance(plan: ConnectorPlan, instanceId: number, options: HostOptions): HostedInstance {
  const spec = plan.instances[instanceId]
  if (spec === undefined) throw new RangeError(`${plan.fqn} has no instance ${instanceId}`)
  const supervisor = new Supervisor(spec, {
    isolation: options.isolation ?? 'thread',
    restart: { ...RESTART, ...options.restart },
    failFast: false,
    log: options.log,
    lease: options.lease,
  })
  supervisor.start()
  return {
    // Why it did not open is in its snapshot.
    opened: supervisor.opened.catch(() => undefined),
    snapshot: () => supervisor.snapshot(),
    hold: held => supervisor.hold(held),
    stop: async (drainTimeoutMs, withinMs) => {
      supervisor.stop(drainTimeoutMs, withinMs)
      await supervisor.ended
    },
  }
}
