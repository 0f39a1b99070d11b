import type { SubscriptionType } from '@pulsar-io/sdk'
import { DispatchState, type Taken } from './dispatch-state.ts'
import { randomVersion } from './environment.ts'
import { subscriptionDeletedError, topicDeletedError } from './errors.ts'
import { keySlot, ownerOf } from './key-slots.ts'
import type { Delivery } from './message.ts'
import { RangeSet } from './range-set.ts'
import { activeMember, type Member } from './registry.ts'
import type { Subscription } from './subscription.ts'

/** What a feed tells its consumer. */
export interface FeedEvents {
  /** There may be something to take. */
  wake(): void
  activeChanged(): void
  report(error: unknown): void
}

/** One acknowledgement's or one receive's way back to its feed. */
export interface FeedDelivery extends Delivery {
  readonly feed: Feed
  readonly epoch: number
}

/**
 * One log for one consumer: takes messages, settles them, and knows what is out.
 *
 * Exclusive and Failover keep who-holds-what in memory, since only the active consumer hands out: receiving writes
 * nothing. Shared and Key_Shared keep it in the volatile environment, where all processes see it.
 */
export class Feed {
  readonly subscription: Subscription
  readonly member: Member
  /** Handed out by this consumer and not settled. */
  readonly held = new RangeSet()
  /** False when the last look found nothing; set again by whatever may change that. */
  maybeReady = true
  active = false
  closed = false
  private readonly type: SubscriptionType
  private readonly events: FeedEvents
  private readonly silence: (() => void)[]
  private delivery: FeedDelivery
  private local: DispatchState | undefined
  private due: number | undefined
  private rejoining = false
  private failure: unknown
  /** Changes to shared claims go one after another. */
  private queue: Promise<unknown> = Promise.resolve()

  constructor(subscription: Subscription, type: SubscriptionType, member: Member, events: FeedEvents) {
    this.subscription = subscription
    this.type = type
    this.member = member
    this.events = events
    this.delivery = { log: subscription.log, feed: this, epoch: subscription.cursor.epoch }
    this.silence = [subscription.log.news.listen(() => this.wake()), subscription.news.listen(() => this.changed())]
    this.changed()
  }

  get shared(): boolean {
    return this.type === 'Shared' || this.type === 'Key_Shared'
  }

  get epoch(): number {
    return this.delivery.epoch
  }

  /** When something delayed is due. */
  get nextDue(): number | undefined {
    return this.shared ? this.due : this.local?.nextDue
  }

  /** Takes messages; at once where claims are in memory. */
  take(maxMessages: number, maxBytes: number): Taken | Promise<Taken> {
    this.maybeReady = false
    if (this.failure !== undefined) throw this.failure
    if (!this.subscription.cursor.exists) throw this.gone()
    if (!this.active) return NOTHING
    if (this.shared) return this.inOrder(() => this.takeShared(maxMessages, maxBytes))
    this.local ??= new DispatchState(this.epoch, this.subscription.cursor.mark)
    return this.handOut(this.local.take(this.request(maxMessages, maxBytes)))
  }

  async acknowledge(ordinals: RangeSet, epoch: number): Promise<void> {
    if (epoch === this.epoch) {
      this.held.removeAll(ordinals)
      this.local?.settle(ordinals)
      await this.subscription.cursor.acknowledge(ordinals, epoch)
    }
  }

  /** Hands messages out again, to anyone, at a time. */
  async release(ordinals: RangeSet, at: number): Promise<void> {
    this.held.removeAll(ordinals)
    const { id } = this.member
    if (!this.shared) {
      this.local?.release(id, ordinals, at, Date.now())
      this.wake()
      return
    }
    await this.inOrder(() => this.change(state => state.release(id, ordinals, at, Date.now())))
    this.subscription.news.fire()
  }

  /** Stops listening and leaves the subscription; what is out goes to others. */
  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    for (const stop of this.silence) stop()
    await this.queue.catch(this.events.report)
    this.held.clear()
    const { log, name, registry } = this.subscription
    await registry.leave(log.record.id, name, ({ id }) => id === this.member.id)
    this.subscription.look()
  }

  private wake(): void {
    this.maybeReady = true
    this.events.wake()
  }

  /** Members, claims or acknowledgements changed. */
  private changed(): void {
    if (this.closed) return
    const { subscription } = this
    if (!subscription.cursor.exists) {
      this.wake()
      return
    }
    if (subscription.cursor.epoch !== this.epoch) {
      this.delivery = { log: subscription.log, feed: this, epoch: subscription.cursor.epoch }
      this.held.clear()
      this.local = undefined
    }
    const members = subscription.members
    const present = members?.members.some(({ id }) => id === this.member.id) === true
    if (!present) this.rejoin()
    const active =
      members !== undefined &&
      present &&
      (this.shared || activeMember(members, subscription.log.record.partition)?.id === this.member.id)
    if (active !== this.active) {
      this.active = active
      // Whoever becomes active begins with everything that is not acknowledged.
      this.local = undefined
      this.held.clear()
      this.events.activeChanged()
    }
    this.wake()
  }

  /** Others took this consumer for dead, perhaps because the machine stood still: come back, or fail loudly. */
  private rejoin(): void {
    if (this.rejoining) return
    this.rejoining = true
    const { log, name, registry } = this.subscription
    registry
      .join(log.record.topic, log.record.id, name, this.type, this.member)
      .catch((error: unknown) => {
        this.failure = error
      })
      .finally(() => {
        this.rejoining = false
        if (!this.closed) this.subscription.look()
        else void registry.leave(log.record.id, name, ({ id }) => id === this.member.id).catch(this.events.report)
        this.wake()
      })
  }

  private async takeShared(maxMessages: number, maxBytes: number): Promise<Taken> {
    for (;;) {
      if (this.closed || !this.active) return NOTHING
      const { env, log, name } = this.subscription
      if (!this.subscription.cursor.exists) throw this.gone()
      const key: [number, string] = [log.record.id, name]
      const present = env.read(env.dispatch, key)
      const state = this.loadShared(present?.value)
      const aligned = state.keepMembers(this.memberIds(), Date.now())
      const { epoch } = this
      const taken = state.take(this.request(maxMessages, maxBytes, state))
      this.due = state.nextDue
      if (taken.messages.length === 0 && !aligned) return NOTHING
      const done = await env.writeIf(env.dispatch, key, present?.version, () => {
        env.put(env.dispatch, key, state.encode(), randomVersion())
      })
      env.refresh()
      if (!done) continue
      if (aligned) this.subscription.news.fire()
      if (epoch !== this.epoch) return NOTHING
      return this.handOut(taken)
    }
  }

  private handOut(taken: Taken): Taken {
    this.held.addAll(taken.ordinals)
    // Where something was, more may be.
    if (taken.messages.length > 0) this.maybeReady = true
    return taken
  }

  private request(maxMessages: number, maxBytes: number, state?: DispatchState) {
    return {
      consumer: this.member.id,
      delivery: this.delivery,
      log: this.subscription.log,
      acknowledged: this.subscription.cursor.acknowledged,
      maxMessages,
      maxBytes,
      now: Date.now(),
      accepts: this.type === 'Key_Shared' && state !== undefined ? this.acceptsOf(state) : undefined,
    }
  }

  /** Key_Shared: a message is ours when its key is, and nobody else still holds an earlier message of that key. */
  private acceptsOf(state: DispatchState) {
    const owner = ownerOf(this.memberIds())
    const { log } = this.subscription
    const blocked = new Set<number>()
    for (const [consumer, ordinals] of state.claims) {
      if (consumer === this.member.id) continue
      ordinals.intersection(0, state.fence).visit((start, end) => {
        for (let ordinal = start; ordinal < end; ordinal += 1) {
          const entry = log.entryAt(ordinal)
          if (entry !== undefined && entry.base <= ordinal) blocked.add(keySlot(entry, ordinal - entry.base))
        }
      })
    }
    return (entry: Parameters<typeof keySlot>[0], index: number) => {
      const slot = keySlot(entry, index)
      return !blocked.has(slot) && owner(slot) === this.member.id
    }
  }

  private async change(apply: (state: DispatchState) => void): Promise<void> {
    const { env, log, name } = this.subscription
    const key: [number, string] = [log.record.id, name]
    for (;;) {
      env.refresh()
      if (!this.subscription.cursor.exists) return
      const present = env.read(env.dispatch, key)
      const state = this.loadShared(present?.value)
      apply(state)
      const done = await env.writeIf(env.dispatch, key, present?.version, () => {
        env.put(env.dispatch, key, state.encode(), randomVersion())
      })
      if (done) break
    }
    env.refresh()
  }

  private loadShared(bytes: Buffer | undefined): DispatchState {
    const { cursor } = this.subscription
    cursor.look()
    const stored = bytes === undefined ? undefined : DispatchState.decode(bytes)
    const state =
      stored !== undefined && stored.epoch === cursor.epoch ? stored : new DispatchState(cursor.epoch, cursor.mark)
    state.settle(cursor.acknowledged)
    return state
  }

  private memberIds(): string[] {
    return (this.subscription.members?.members ?? []).map(({ id }) => id)
  }

  private inOrder<T>(step: () => Promise<T>): Promise<T> {
    const result = this.queue.then(step, step)
    this.queue = result.catch(() => {
      // Whoever asked for the step hears of its failure.
    })
    return result
  }

  private gone(): Error {
    const { log, name } = this.subscription
    return log.deleted ? topicDeletedError(log.record.topic) : subscriptionDeletedError(name)
  }
}

const NOTHING: Taken = { messages: [], ordinals: new RangeSet(), bytes: 0 }
