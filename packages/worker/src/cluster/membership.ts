import { randomBytes } from 'node:crypto'
import { availableParallelism, totalmem } from 'node:os'
import type { InstanceKey } from '../coordination.ts'
import type { Clock } from './clock.ts'
import { Lease } from './lease.ts'
import type { ClusterOptions, ClusterSettings } from './options.ts'
import { Pacer } from './pacer.ts'
import { ownProcess } from './process-identity.ts'
import { type MemberRecord, memberId, type Version } from './records.ts'
import type { ClusterStore } from './store.ts'

/** What a membership asks of the rest, and tells it. */
export interface MembershipHooks {
  /** The newest assignments that were acted on. */
  seen(): Version
  /** What these give to a member. */
  givenTo(id: string): ReadonlySet<InstanceKey>
  /** The lease began, or was lost. */
  changed(): void
  /** A heartbeat has arrived. */
  beaten(): void
}

/**
 * This worker among the others: renews its lease with each heartbeat, and says with it what it still runs. A lease that
 * was lost does not come back: once everything has stopped, the worker returns under a new identity.
 */
export class Membership {
  readonly process = ownProcess()
  readonly #store: ClusterStore
  readonly #options: ClusterOptions
  readonly #settings: ClusterSettings
  readonly #clock: Clock
  readonly #hooks: MembershipHooks
  readonly #pacer: Pacer
  /** Grows with time, so that the newest process of a worker id is the last in order. */
  readonly #token = `${Date.now().toString(36).padStart(9, '0')}${randomBytes(4).toString('hex')}`
  readonly #taken = new Set<InstanceKey>()
  #leases = 0
  #lease: Lease | undefined
  #id = ''
  /** A member of ours that is to go from the store before the next begins. */
  #former: string | undefined
  #beat = 0
  #timer: NodeJS.Timeout | undefined
  #told = false
  #draining = false
  #closed = false
  #cpu = { used: process.cpuUsage(), at: performance.now() }

  constructor(
    store: ClusterStore,
    options: ClusterOptions,
    settings: ClusterSettings,
    clock: Clock,
    hooks: MembershipHooks,
  ) {
    this.#store = store
    this.#options = options
    this.#settings = settings
    this.#clock = clock
    this.#hooks = hooks
    this.#pacer = new Pacer(settings.beatMs, () => this.#beatOrLog())
  }

  /** Sends the first heartbeat, and goes on by itself. Rejects when that does not arrive. */
  async join(): Promise<void> {
    await this.#enter()
    this.#pacer.start()
  }

  /** Id under which the lease is held; undefined while there is none. */
  get id(): string | undefined {
    return this.held() ? this.#id : undefined
  }

  /** The last id, held or not. */
  get lastId(): string {
    return this.#id
  }

  held(): boolean {
    return this.#lease?.held() ?? false
  }

  /** Milliseconds until others may have what runs here; Infinity while the lease is held. */
  msUntilEnd(): number {
    return this.held() ? Number.POSITIVE_INFINITY : (this.#lease?.msUntilEnd() ?? 0)
  }

  take(key: InstanceKey): boolean {
    if (this.#closed || !this.held() || !this.#hooks.givenTo(this.#id).has(key)) return false
    this.#taken.add(key)
    return true
  }

  released(key: InstanceKey): void {
    // Others wait for this, or the next lease does.
    if (this.#taken.delete(key)) this.beatNow()
  }

  /** Says from now on that everything is to go elsewhere. */
  drain(): void {
    this.#draining = true
    this.beatNow()
  }

  /** Sends a heartbeat without delay. */
  beatNow(): void {
    this.#pacer.hurry()
  }

  /** Others gave us up: whatever our clock says, the lease is over. */
  revoke(): void {
    this.#lease?.revoke()
    this.#options.onLease?.(0)
    this.#look()
  }

  /** Ends the lease; what was not released holds it until its end. */
  async leave(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#pacer.close()
    if (this.#taken.size === 0) await this.#store.deleteMember(this.#id)
  }

  async #beatOrLog(): Promise<void> {
    try {
      if (this.held()) await this.#renew()
      else if (this.#taken.size === 0 && !this.#closed) await this.#enter()
    } catch (error) {
      this.#options.log?.('warn', 'the heartbeat of this worker did not arrive; it is tried again', {
        reason: error instanceof Error ? error.message : String(error),
        leaseEndsInMs: Math.round(this.#lease?.msUntilEnd() ?? 0),
      })
    }
    this.#look()
  }

  async #enter(): Promise<void> {
    // That it is gone tells the others that everything of it has stopped.
    if (this.#former !== undefined) await this.#store.deleteMember(this.#former)
    this.#leases += 1
    const id = memberId(this.#options.info.workerId, this.#token, this.#leases)
    this.#former = id
    const from = this.#clock()
    await this.#store.putMember(id, this.#record(id))
    this.#id = id
    this.#lease = new Lease(this.#clock, this.#settings.leaseMs, this.#settings.reserveMs, from)
    this.#told = false
    this.#watch()
    this.#options.onLease?.(this.#lease.msUntilEnd())
    if (this.#leases > 1) this.#options.log?.('info', 'this worker is back among the others')
    this.#hooks.changed()
    this.#hooks.beaten()
  }

  async #renew(): Promise<void> {
    const lease = this.#lease
    const from = this.#clock()
    await this.#store.putMember(this.#id, this.#record(this.#id))
    if (lease?.renew(from)) this.#options.onLease?.(lease.msUntilEnd())
    this.#watch()
    this.#hooks.beaten()
  }

  #record(id: string): MemberRecord {
    const { workerId, workerHostname, port, url } = this.#options.info
    const given = this.#hooks.givenTo(id)
    this.#beat += 1
    return {
      workerId,
      workerHostname,
      port,
      url,
      process: this.process,
      beat: this.#beat,
      leaseMs: this.#settings.leaseMs,
      seen: this.#hooks.seen(),
      stopping: [...this.#taken].filter(key => !given.has(key)),
      instances: this.#taken.size,
      load: this.#load(),
      draining: this.#draining,
      freeMemory: process.availableMemory(),
    }
  }

  #load(): number {
    const at = performance.now()
    const since = process.cpuUsage(this.#cpu.used)
    const processors = (since.user + since.system) / 1000 / Math.max(1, at - this.#cpu.at) / availableParallelism()
    this.#cpu = { used: process.cpuUsage(), at }
    const memory = 1 - Math.min(1, process.availableMemory() / totalmem())
    return Math.round((processors + memory) * 100) / 100
  }

  /** Looks again when the lease would be lost. */
  #watch(): void {
    clearTimeout(this.#timer)
    if (this.#closed) return
    this.#timer = setTimeout(() => this.#look(), Math.max(0, this.#lease?.msUntilLost() ?? 0) + 1)
  }

  #look(): void {
    if (this.#closed || this.#told) return
    if (this.held()) {
      this.#watch()
      return
    }
    this.#told = true
    clearTimeout(this.#timer)
    this.#options.log?.(
      'error',
      'this worker lost touch with the others and stops its instances, which others will run',
      {
        instances: this.#taken.size,
        leaseEndsInMs: Math.round(this.msUntilEnd()),
      },
    )
    this.#hooks.changed()
  }
}
