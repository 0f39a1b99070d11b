import type { InstanceKey } from '../coordination.ts'
import type { Clock } from './clock.ts'
import type { ClusterSettings } from './options.ts'
import { plan } from './plan.ts'
import type { ClusterState, MemberRecord } from './records.ts'
import type { ClusterStore, View } from './store.ts'

/** What was asked of the leader. */
export interface Wishes {
  wanted: ReadonlySet<InstanceKey> | undefined
  /** Worker id → process. */
  drain: Map<string, string>
  news: boolean
}

/** What it takes to lead. */
export interface LeadershipParts {
  readonly store: ClusterStore
  readonly settings: ClusterSettings
  readonly clock: Clock
  readonly isGone: (id: string) => boolean
  /** Whether it is our turn. */
  readonly first: () => boolean
  /** Our id while we hold a lease. */
  readonly self: () => string | undefined
}

/**
 * Takes over when there is no leader, and decides while it leads. A term belongs to whoever counted it up, so no two
 * ever write the same state; one that has been overtaken writes what nobody reads any more.
 */
export class Leadership {
  readonly #parts: LeadershipParts
  readonly #wishes: Wishes = { wanted: undefined, drain: new Map(), news: false }
  /** The term that we lead in, and the identity under which. */
  #leading: { readonly term: number; readonly id: string } | undefined
  #vacantSince: number | undefined

  constructor(parts: LeadershipParts) {
    this.#parts = parts
  }

  /** The term in which this worker leads, as far as it knows. */
  get term(): number | undefined {
    return this.#leading?.id === this.#parts.self() ? this.#leading?.term : undefined
  }

  want(wanted: ReadonlySet<InstanceKey>): void {
    this.#wishes.wanted = wanted
  }

  announce(): void {
    this.#wishes.news = true
  }

  drain(workerId: string, process: string): void {
    this.#wishes.drain.set(workerId, process)
  }

  /** Does what a view calls for. True when something was written, so that it is worth another look. */
  async act(view: View): Promise<boolean> {
    const { self } = this.#parts
    const id = self()
    if (this.#leading !== undefined && (this.#leading.term !== view.term || this.#leading.id !== id)) this.#resign()
    if (id === undefined) return false
    if (this.#leading === undefined) return this.#mayClaim(view, id) ? this.#claim(id) : false
    return view.state === undefined ? false : this.#decide(view.state, view.members)
  }

  async #decide(state: ClusterState, members: ReadonlyMap<string, MemberRecord>): Promise<boolean> {
    const { wanted, drain, news } = this.#wishes
    // What is asked from here on is for the next time.
    this.#wishes.drain = new Map()
    this.#wishes.news = false
    const next = plan({ state, members, isGone: this.#parts.isGone, wanted, drain, news })
    if (next === undefined) await this.#bury(state, members)
    else await this.#put(next)
    return next !== undefined
  }

  /** Who was given up for dead and written down as such needs no record any more. */
  async #bury(state: ClusterState, members: ReadonlyMap<string, MemberRecord>): Promise<void> {
    for (const id of state.dead) if (members.has(id)) await this.#parts.store.deleteMember(id)
  }

  /** A write of which nobody knows whether it will arrive could undo a later one, so none follows it in this term. */
  async #put(state: ClusterState): Promise<void> {
    try {
      await this.#parts.store.putState(state)
    } catch (error) {
      this.#resign()
      throw error
    }
  }

  #mayClaim(view: View, id: string): boolean {
    const { clock, first, settings } = this.#parts
    if (!this.#isVacant(view, id)) {
      this.#vacantSince = undefined
      return false
    }
    this.#vacantSince ??= clock()
    // A term that was begun and says nothing yet may be about to speak.
    const patience = (view.term > 0 && view.state === undefined) || !first() ? settings.patienceMs : 0
    return clock() - this.#vacantSince >= patience
  }

  #isVacant({ term, state }: View, id: string): boolean {
    if (term === 0 || state === undefined) return true
    return state.leader === id || this.#parts.isGone(state.leader)
  }

  async #claim(id: string): Promise<boolean> {
    const { self, store } = this.#parts
    this.#vacantSince = undefined
    const term = await store.beginTerm()
    const view = await store.read()
    // Somebody else was later, and so goes first; or our time ran out.
    if (view.term !== term || self() !== id) return false
    const { before } = view
    const instances: ClusterState['instances'] = {}
    for (const [key, record] of Object.entries(before?.instances ?? {})) {
      // Confirmed is what was seen in this term.
      instances[key] = record.leaving === undefined ? record : { ...record, leaving: 0 }
    }
    await store.putState({
      term,
      revision: 0,
      leader: id,
      instances,
      dead: before?.dead ?? [],
      draining: before?.draining ?? {},
      news: (before?.news ?? 0) + 1,
    })
    this.#leading = { term, id }
    this.#wishes.wanted = undefined
    await store.forgetBefore(term)
    return true
  }

  #resign(): void {
    this.#leading = undefined
    this.#wishes.wanted = undefined
    this.#wishes.drain = new Map()
    this.#wishes.news = false
  }
}
