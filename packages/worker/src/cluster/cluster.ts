import { ConfigError, TransientError } from '@pulsar-io/sdk'
import type { Coordinator, DrainProgress, InstanceKey, WorkerInfo } from '../coordination.ts'
import type { Clock } from './clock.ts'
import { Leadership } from './leadership.ts'
import { Liveness } from './liveness.ts'
import { Membership } from './membership.ts'
import { type ClusterOptions, type ClusterSettings, settingsOf } from './options.ts'
import { Pacer } from './pacer.ts'
import { hasEnded } from './process-identity.ts'
import { type ClusterState, type MemberRecord, partsOf, type Version } from './records.ts'
import { Seat } from './seat.ts'
import { ClusterStore, type View } from './store.ts'

const NOTHING: ReadonlySet<InstanceKey> = new Set()

/** This worker's part in a cluster of workers; see `joinCluster`. */
export class Cluster implements Coordinator {
  readonly workerId: string
  readonly #options: ClusterOptions
  readonly #settings: ClusterSettings
  readonly #clock: Clock
  readonly #store: ClusterStore
  readonly #liveness: Liveness
  readonly #membership: Membership
  readonly #leadership: Leadership
  readonly #pacer: Pacer
  readonly #listeners = new Set<() => void>()
  #seat: Seat | undefined
  /** What the leader decided last, as far as it was read. */
  #state: ClusterState | undefined
  #given: { readonly id: string; readonly state: ClusterState; readonly keys: ReadonlySet<InstanceKey> } | undefined
  #members: ReadonlyMap<string, MemberRecord> = new Map()
  #turn: Promise<unknown> = Promise.resolve()
  #told = ''
  #failing = false
  #closing: Promise<void> | undefined

  constructor(options: ClusterOptions, clock: Clock) {
    this.#options = options
    this.workerId = options.info.workerId
    this.#settings = settingsOf(options)
    this.#clock = clock
    this.#store = new ClusterStore(options.client, this.#settings.store)
    this.#membership = new Membership(this.#store, options, this.#settings, clock, {
      seen: () => this.#seen(),
      givenTo: id => this.#givenTo(id),
      changed: () => this.#tell(),
      beaten: () => this.#pacer.hurry(),
    })
    const { process } = this.#membership
    this.#liveness = new Liveness({
      marginMs: this.#settings.marginMs,
      blindAfterMs: this.#settings.leaseMs / 2,
      hasEnded: member => hasEnded(member.process, process),
    })
    this.#leadership = new Leadership({
      store: this.#store,
      settings: this.#settings,
      clock,
      isGone: id => this.#isGone(id),
      first: () => this.#seat?.first ?? false,
      self: () => this.#membership.id,
    })
    this.#pacer = new Pacer(this.#settings.pollMs, () => this.#pollOrLog())
  }

  /** Joins, and looks once. Rejects with everything closed again. */
  async open(): Promise<void> {
    const { client, signal } = this.#options
    try {
      signal?.throwIfAborted()
      await this.#membership.join()
      const { topic } = this.#settings
      this.#seat = await Seat.take(client, topic, this.workerId, () => this.#pacer.hurry(), signal)
      await this.#poll()
      signal?.throwIfAborted()
    } catch (error) {
      await this.close()
      throw error
    }
    this.#pacer.start()
  }

  workers(): readonly WorkerInfo[] {
    const infos = new Map([[this.workerId, this.#options.info]])
    for (const [id, { workerId, workerHostname, port, url }] of this.#members) {
      if (!infos.has(workerId) && !this.#isGone(id)) infos.set(workerId, { workerId, workerHostname, port, url })
    }
    return [...infos.values()].sort((a, b) => (a.workerId < b.workerId ? -1 : 1))
  }

  leader(): WorkerInfo | undefined {
    if (this.isLeader()) return this.#options.info
    const id = this.#state?.leader ?? ''
    const record = this.#members.get(id)
    if (record === undefined || this.#isGone(id) || id === this.#membership.lastId) return undefined
    const { workerId, workerHostname, port, url } = record
    return { workerId, workerHostname, port, url }
  }

  isLeader(): boolean {
    return this.#state !== undefined && this.#leadership.term === this.#state.term
  }

  async confirmLeader(): Promise<void> {
    await this.#poll()
    if (!this.isLeader()) throw this.#notLeader()
  }

  assignments(): ReadonlyMap<InstanceKey, string> {
    const assigned = Object.entries(this.#state?.instances ?? {}).filter(
      ([, { owner, removed }]) => owner !== '' && removed !== true,
    )
    return new Map(assigned.map(([key, { owner }]) => [key, partsOf(owner).workerId]))
  }

  mine(): ReadonlySet<InstanceKey> {
    const { id } = this.#membership
    return id === undefined || this.#closing !== undefined ? NOTHING : this.#givenTo(id)
  }

  take(key: InstanceKey): boolean {
    return this.#closing === undefined && this.#membership.take(key)
  }

  stopWithinMs(): number {
    return this.#membership.msUntilEnd()
  }

  released(key: InstanceKey): void {
    this.#membership.released(key)
  }

  async propose(wanted: readonly InstanceKey[]): Promise<void> {
    if (!this.isLeader()) return
    this.#leadership.want(new Set(wanted))
    await this.#poll()
  }

  async announce(): Promise<void> {
    if (!this.isLeader()) throw this.#notLeader()
    this.#leadership.announce()
    await this.#poll()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async rebalance(): Promise<void> {
    if (!this.isLeader()) throw this.#notLeader()
    if (this.workers().length < 2) throw tooFew()
    // They are kept balanced all the time; this only asks for it to be done before the answer.
    await this.#poll()
  }

  async drain(workerId: string): Promise<void> {
    if (!this.isLeader() && workerId !== this.workerId) throw this.#notLeader()
    const workers = this.workers()
    const id = [...this.#members.keys()].findLast(one => partsOf(one).workerId === workerId && !this.#isGone(one))
    if (id === undefined) throw unknownWorker(workerId, workers)
    const draining = this.#state?.draining ?? {}
    const others = workers.filter(worker => worker.workerId !== workerId && draining[worker.workerId] === undefined)
    if (others.length === 0) throw tooFew()
    if (this.isLeader()) {
      this.#leadership.drain(workerId, partsOf(id).process)
      await this.#poll()
    } else this.#membership.drain()
  }

  drainProgress(workerId: string): DrainProgress {
    const owned = Object.values(this.#state?.instances ?? {}).filter(
      ({ owner }) => partsOf(owner).workerId === workerId,
    )
    const remaining = owned.length
    if (this.#state?.draining[workerId] === undefined) return { status: 'notRun', remaining }
    return { status: remaining > 0 ? 'running' : 'completed', remaining }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#listeners.clear()
    const ends = [
      () => this.#pacer.close(),
      () => this.#turn.catch(() => undefined),
      () => this.#membership.leave(),
      () => this.#seat?.close(),
      () => this.#store.close(),
    ]
    for (const end of ends) {
      try {
        await within(end(), this.#settings.leaseMs)
      } catch (error) {
        // The lease ends by itself, and the client closes the rest.
        this.#log('warn', 'leaving the other workers was not told to them; they wait for the lease to end', error)
      }
    }
  }

  async #pollOrLog(): Promise<void> {
    try {
      await this.#poll()
      if (this.#failing) this.#options.log?.('info', 'the other workers can be seen again')
      this.#failing = false
    } catch (error) {
      if (!this.#failing) this.#log('warn', 'cannot read or write what the workers share; trying again', error)
      this.#failing = true
    }
  }

  /** One look at a time, and what it calls for. */
  #poll(): Promise<void> {
    const turn = this.#turn
      // How the one before ended is its caller's affair.
      .catch(() => undefined)
      .then(async () => {
        // What was written counts when it has been read, and not overtaken: also for the one who wrote it.
        while (await this.#leadership.act(await this.#look()));
      })
    this.#turn = turn
    return turn
  }

  async #look(): Promise<View> {
    const asked = this.#clock()
    const view = await this.#store.read()
    this.#liveness.observe(view.members, asked, this.#clock())
    this.#members = view.members
    const { state } = view
    if (state !== undefined && isNewer(state, this.#state)) this.#accept(state)
    this.#tell()
    return view
  }

  #accept(state: ClusterState): void {
    this.#state = state
    const id = this.#membership.lastId
    if (state.dead.includes(id)) this.#membership.revoke()
    // Others wait to hear that it stopped, which it may have already.
    const leaving = Object.values(state.instances).some(one => one.owner === id && one.leaving !== undefined)
    if (leaving) this.#membership.beatNow()
  }

  #isGone(id: string): boolean {
    return this.#state?.dead.includes(id) === true || this.#liveness.isGone(id)
  }

  #seen(): Version {
    return { term: this.#state?.term ?? 0, revision: this.#state?.revision ?? 0 }
  }

  #givenTo(id: string): ReadonlySet<InstanceKey> {
    const state = this.#state
    if (state === undefined) return NOTHING
    if (this.#given?.id !== id || this.#given.state !== state) {
      const given = Object.entries(state.instances).filter(
        ([, { owner, leaving }]) => owner === id && leaving === undefined,
      )
      this.#given = { id, state, keys: new Set(given.map(([key]) => key)) }
    }
    return this.#given.keys
  }

  /** Calls the listeners when something changed that they can ask for. */
  #tell(): void {
    const workers = this.workers().map(({ workerId, url }) => `${workerId} ${url}`)
    const { term, revision } = this.#seen()
    const now = [term, revision, this.#membership.id, this.leader()?.workerId, this.isLeader(), ...workers].join('\n')
    if (now === this.#told) return
    this.#told = now
    for (const listener of this.#listeners) {
      try {
        listener()
      } catch (error) {
        this.#log('error', 'what follows from a change among the workers failed', error)
      }
    }
  }

  #notLeader(): TransientError {
    const leader = this.leader()
    const where = leader === undefined ? 'there is none now; try again' : `ask ${leader.workerId} at ${leader.url}`
    return new TransientError(`the worker ${this.workerId} is not the leader; ${where}`, {
      code: 'PIO_WORKER_NOT_LEADER',
    })
  }

  #log(level: 'warn' | 'error', message: string, error: unknown): void {
    this.#options.log?.(level, message, { reason: error instanceof Error ? error.message : String(error) })
  }
}

/** Waits no longer for what hangs: whoever leaves is gone for the others then anyway. */
async function within(work: Promise<unknown> | undefined, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}

function isNewer(state: ClusterState, known: ClusterState | undefined): boolean {
  if (known === undefined) return true
  return state.term > known.term || (state.term === known.term && state.revision > known.revision)
}

/** Pulsar's words. */
function tooFew(): ConfigError {
  return new ConfigError([{ path: '', message: 'Too few workers (need at least 2)' }], { code: 'PIO_WORKER_TOO_FEW' })
}

function unknownWorker(workerId: string, workers: readonly WorkerInfo[]): ConfigError {
  const known = workers.map(worker => worker.workerId).join(', ')
  return new ConfigError([{ path: 'workerId', message: `there is no worker ${workerId}; there are ${known}` }], {
    code: 'PIO_WORKER_UNKNOWN',
  })
}
