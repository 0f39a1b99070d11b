import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ConnectorPlan,
  type ConnectorSpec,
  emptySnapshot,
  type HostedInstance,
  hostInstance,
  type InstanceLease,
  type InstanceSnapshot,
  type Isolation,
  type LogLevel,
  type LogLine,
  type MessagingAddress,
  planConnector,
  type RestartPolicy,
  type RunningConnector,
  runningConnector,
} from '@pulsar-io/engine'
import type { LogFields } from '@pulsar-io/sdk'
import type { Packages } from '../connectors/packages.ts'
import { DEFAULT_RESOURCES } from '../connectors/shown-config.ts'
import { type Coordinator, type InstanceKey, splitInstanceKey } from '../coordination.ts'
import { Gate } from '../gate.ts'
import { fqnText } from '../kinds.ts'
import { reasonOf } from '../reason.ts'
import { type ConnectorRecord, generation, instanceCount, isPaused, isWanted } from '../store/record.ts'
import { LogTail } from './log-tail.ts'

/** Milliseconds until a connector that could not even be planned is looked at again. */
const PLAN_AGAIN_MS = 30_000
/** Milliseconds that an instance gets to close when others have it already. */
const CLOSE_MS = 2_000
/** Milliseconds that an opening instance holds its place in the queue at most: on a machine that is busy, starting takes long. */
const OPENING_MS = 30_000
/** Milliseconds between looks whether the first try to open is over. */
const OPENING_LOOK_MS = 100

/** How instances are run. */
export interface RunnerOptions {
  readonly coordinator: Coordinator
  readonly packages: Packages
  /** All connectors, by `tenant/namespace/name`. */
  readonly records: () => ReadonlyMap<string, ConnectorRecord>
  readonly messaging: MessagingAddress
  readonly isolation: Isolation
  readonly drainTimeoutMs: number
  readonly restart: Partial<RestartPolicy>
  /** Until when the instances may write. */
  readonly lease: InstanceLease
  /** Instances that may open at the same time: a start of many must not stand in its own way. */
  readonly maxOpening: number
  /** Gets the log lines of all instances. */
  readonly log: (line: LogLine) => void
  readonly say: (level: LogLevel, message: string, fields?: LogFields) => void
}

interface Running {
  readonly generation: string
  readonly record: ConnectorRecord
  readonly plan: ConnectorPlan | undefined
  readonly hosted: HostedInstance | undefined
  /** Why it could not be planned. */
  readonly problem: { readonly message: string; readonly time: number } | undefined
}

/** An instance as it should be. */
interface Wanted {
  readonly record: ConnectorRecord
  readonly generation: string
  readonly paused: boolean
}

/** Runs the instances that are this worker's, each by itself. */
export class Runner {
  readonly #options: RunnerOptions
  readonly #running = new Map<InstanceKey, Running>()
  readonly #lanes = new Map<InstanceKey, Promise<void>>()
  readonly #tails = new Map<InstanceKey, LogTail>()
  readonly #plans = new Map<string, Promise<ConnectorPlan>>()
  readonly #gate: Gate
  #again: NodeJS.Timeout | undefined
  #startsNoMore = false
  #closed = false

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#gate = new Gate(options.maxOpening)
  }

  /** Makes what runs here what should; resolves when everything that has to stop for it has. */
  async reconcile(): Promise<void> {
    const { coordinator } = this.#options
    if (Number.isFinite(coordinator.stopWithinMs())) this.#fence()
    const keys = new Set([...this.#running.keys(), ...this.#lanes.keys(), ...(this.#closed ? [] : coordinator.mine())])
    await Promise.all([...keys].map(key => this.#inLane(key)))
    this.#forget()
  }

  /** How an instance is; undefined when it does not run here. */
  snapshot(key: InstanceKey): InstanceSnapshot | undefined {
    const running = this.#running.get(key)
    if (running === undefined) return undefined
    if (running.hosted !== undefined) return running.hosted.snapshot()
    return problemSnapshot(splitInstanceKey(key).instanceId, running.problem)
  }

  /** The latest log lines of an instance; of one that has stopped, too. */
  tail(key: InstanceKey): LogTail | undefined {
    return this.#tails.get(key)
  }

  /** What runs here, for metrics. */
  connectors(): readonly RunningConnector[] {
    const byPlan = new Map<ConnectorPlan, HostedInstance[]>()
    for (const { plan, hosted } of this.#running.values()) {
      if (plan === undefined || hosted === undefined) continue
      const instances = byPlan.get(plan) ?? []
      instances.push(hosted)
      byPlan.set(plan, instances)
    }
    const { workerId } = this.#options.coordinator
    return [...byPlan].map(([plan, instances]) =>
      runningConnector(plan, () => instances.map(instance => instance.snapshot()), workerId),
    )
  }

  /** From now on nothing starts; what runs, or opens, goes on until {@link close}. */
  startNoMore(): void {
    this.#startsNoMore = true
    this.#gate.open()
  }

  /** Stops everything. May be called twice. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#again)
    this.startNoMore()
    await this.reconcile()
  }

  /** One step at a time for each instance; each looks at what should be when it begins. */
  #inLane(key: InstanceKey): Promise<void> {
    const before = this.#lanes.get(key) ?? Promise.resolve()
    const step = before.then(() => this.#apply(key))
    const lane = step.catch(error =>
      this.#options.say('error', 'an instance could not be brought to where it should be', {
        instance: key,
        reason: reasonOf(error),
      }),
    )
    this.#lanes.set(key, lane)
    return lane
  }

  async #apply(key: InstanceKey): Promise<void> {
    const wanted = this.#wanted(key)
    const running = this.#running.get(key)
    if (running !== undefined && running.generation === wanted?.generation && running.problem === undefined) {
      running.hosted?.hold(wanted.paused)
      return
    }
    if (running !== undefined) {
      await running.hosted?.stop(...this.#stopTimes())
      this.#running.delete(key)
      if (wanted === undefined) this.#options.coordinator.released(key)
    }
    // What should be may have changed while it drained; the next step sees that.
    if (wanted !== undefined) await this.#start(key, wanted, running?.problem?.message)
  }

  /** The lease is lost: what runs ends before others may have it, also what is in the middle of something. */
  #fence(): void {
    for (const { hosted } of this.#running.values()) void hosted?.stop(...this.#stopTimes())
  }

  /**
   * Milliseconds for draining, and, where others wait for it, until it is killed. Behind the end of the lease it may close
   * in good order, too, since it writes nothing any more.
   */
  #stopTimes(): [drainTimeoutMs: number, withinMs?: number] {
    const { coordinator, drainTimeoutMs } = this.#options
    const left = coordinator.stopWithinMs()
    if (!Number.isFinite(left)) return [drainTimeoutMs]
    return [Math.min(drainTimeoutMs, left * 0.5), Math.max(left * 0.8, CLOSE_MS)]
  }

  #wanted(key: InstanceKey): Wanted | undefined {
    if (this.#closed || !this.#options.coordinator.mine().has(key)) return undefined
    const { fqn, instanceId } = splitInstanceKey(key)
    const record = this.#options.records().get(fqn)
    if (record === undefined || instanceId >= instanceCount(record) || !isWanted(record, instanceId)) return undefined
    return { record, generation: generation(record, instanceId), paused: isPaused(record, instanceId) }
  }

  async #start(
    key: InstanceKey,
    { record, generation: made, paused }: Wanted,
    before: string | undefined,
  ): Promise<void> {
    const { instanceId } = splitInstanceKey(key)
    let plan: ConnectorPlan
    try {
      plan = await this.#plan(record)
    } catch (error) {
      const message = reasonOf(error)
      if (message !== before)
        this.#options.say('error', 'cannot run', { connector: fqnText(record), instance: instanceId, reason: message })
      this.#running.set(key, {
        generation: made,
        record,
        plan: undefined,
        hosted: undefined,
        problem: { message, time: Date.now() },
      })
      this.#lookAgain()
      return
    }
    const place = await this.#gate.enter()
    if (this.#startsNoMore || !this.#options.coordinator.take(key)) {
      place()
      return
    }
    const tail = this.#tails.get(key) ?? new LogTail()
    this.#tails.set(key, tail)
    const hosted = hostInstance(plan, instanceId, {
      isolation: this.#options.isolation,
      restart: this.#options.restart,
      lease: this.#options.lease,
      log: line => {
        tail.add(line)
        this.#options.log(line)
      },
    })
    hosted.hold(paused)
    this.#running.set(key, { generation: made, record, plan, hosted, problem: undefined })
    void Promise.race([hosted.opened, firstTry(hosted)]).finally(place)
  }

  /** Instances of one connector share its plan. */
  #plan(record: ConnectorRecord): Promise<ConnectorPlan> {
    const key = planKey(record)
    const known = this.#plans.get(key)
    if (known !== undefined) return known
    const planning = this.#makePlan(record).catch(error => {
      this.#plans.delete(key)
      throw error
    })
    this.#plans.set(key, planning)
    return planning
  }

  async #makePlan(record: ConnectorRecord): Promise<ConnectorPlan> {
    const archive = await this.#options.packages.resolve(record.package)
    const config = { ...record.config, resources: { ...DEFAULT_RESOURCES, ...record.config.resources } }
    const spec = { kind: record.kind, config } as ConnectorSpec
    return planConnector(spec, { messaging: this.#options.messaging }, archive)
  }

  #lookAgain(): void {
    if (this.#again !== undefined || this.#closed) return
    this.#again = setTimeout(() => {
      this.#again = undefined
      void this.reconcile()
    }, PLAN_AGAIN_MS)
    this.#again.unref()
  }

  /** Lets go of what belongs to connectors that are gone. */
  #forget(): void {
    const records = this.#options.records()
    const plans = new Set([...records.values()].map(planKey))
    for (const key of this.#plans.keys()) if (!plans.has(key)) this.#plans.delete(key)
    for (const key of [...this.#tails.keys(), ...this.#lanes.keys()]) {
      const { fqn, instanceId } = splitInstanceKey(key)
      const record = records.get(fqn)
      if (this.#running.has(key) || (record !== undefined && instanceId < instanceCount(record))) continue
      this.#tails.delete(key)
      this.#lanes.delete(key)
    }
  }
}

/** Resolves when its first try to open is over, or takes very long: a system that is away must hold up nobody else. */
async function firstTry(hosted: HostedInstance): Promise<void> {
  for (let waited = 0; waited < OPENING_MS; waited += OPENING_LOOK_MS) {
    if (hosted.snapshot().state !== 'starting') return
    await sleep(OPENING_LOOK_MS)
  }
}

function planKey(record: ConnectorRecord): string {
  // A restart takes a built-in archive that was replaced meanwhile.
  return `${fqnText(record)} ${record.createdAt} ${record.configVersion} ${JSON.stringify(record.restarts)}`
}

function problemSnapshot(instanceId: number, problem: Running['problem']): InstanceSnapshot {
  const empty = emptySnapshot(instanceId)
  if (problem === undefined) return empty
  const error = { message: problem.message, code: undefined, time: problem.time }
  return { ...empty, state: 'failed', reason: problem.message, systemErrors: 1, latestSystemErrors: [error] }
}
