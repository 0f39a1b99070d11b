import type { Consumer, Message, ReceiveOptions, SeekTarget } from '@pulsar-io/messaging'
import { fullTopicName } from '@pulsar-io/messaging'
import { closedError, usageError } from './errors.ts'
import type { Feed, FeedDelivery } from './feed.ts'
import { EmbeddedMessage } from './message.ts'
import { RangeSet } from './range-set.ts'
import { ordinalOfTarget } from './seek-target.ts'
import { WaitPoint } from './waiting.ts'

/** What a consumer needs from its client. */
export interface ConsumerSettings {
  readonly subscription: string
  readonly cumulative: boolean
  readonly ackTimeoutMs: number
  readonly nackDelayMs: number
  readonly maxUnsettled: number
  /** Topics come and go: a deleted one is no error. */
  readonly pattern: boolean
  /** Called while a receive waits; returns how to say that it does no more. */
  readonly waiting: () => () => void
  readonly report: (error: unknown) => void
  readonly onClose: () => void
  readonly refresh: () => void
}

const DEFAULT_MAX_BYTES = 16 * 1024 * 1024

interface Deadline {
  readonly at: number
  readonly feed: Feed
  readonly epoch: number
  readonly ordinals: RangeSet
}

/** A consumer over any number of logs. */
export class EmbeddedConsumer implements Consumer {
  readonly subscription: string
  private readonly settings: ConsumerSettings
  private readonly feeds: Feed[] = []
  private readonly news = new WaitPoint()
  private readonly activeListeners = new Set<(active: boolean) => void>()
  private readonly releases = new Set<Promise<void>>()
  private deadlines: Deadline[] = []
  private deadlineTimer: NodeJS.Timeout | undefined
  private wasActive = false
  private nextFeed = 0
  private receiving = false
  private closing: Promise<void> | undefined
  /** Something may be there: spares the look at every feed. */
  private ready = true

  constructor(settings: ConsumerSettings) {
    this.subscription = settings.subscription
    this.settings = settings
  }

  /** For feeds. */
  readonly events = {
    wake: () => {
      this.ready = true
      this.news.wake()
    },
    activeChanged: () => this.noticeActive(),
    report: (error: unknown) => this.settings.report(error),
  }

  addFeed(feed: Feed): void {
    this.feeds.push(feed)
    this.noticeActive()
    this.events.wake()
  }

  hasLog(id: number): boolean {
    return this.feeds.some(feed => feed.subscription.log.record.id === id)
  }

  /** Takes logs away that were deleted. */
  async dropDeleted(): Promise<void> {
    for (const feed of this.feeds.filter(({ subscription }) => subscription.log.deleted)) {
      this.feeds.splice(this.feeds.indexOf(feed), 1)
      await feed.close()
    }
  }

  get active(): boolean {
    return this.feeds.some(feed => feed.active)
  }

  onActiveChange(listener: (active: boolean) => void): () => void {
    this.activeListeners.add(listener)
    return () => this.activeListeners.delete(listener)
  }

  async receive(options: ReceiveOptions): Promise<readonly Message[]> {
    if (this.receiving) throw usageError('receive is called while an earlier receive of the same consumer still waits')
    this.receiving = true
    const until = options.timeoutMs === undefined ? undefined : performance.now() + options.timeoutMs
    let stopWaiting: (() => void) | undefined
    try {
      for (;;) {
        if (this.closing !== undefined) throw closedError(`the consumer of ${this.subscription}`)
        const messages = await this.takeAll(options)
        if (messages.length > 0 || options.signal?.aborted) return messages
        const now = performance.now()
        if (until !== undefined && until <= now) return messages
        if (this.ready && this.room() > 0) continue
        stopWaiting ??= this.settings.waiting()
        await this.news.wait(this.waitMs(until === undefined ? undefined : until - now), options.signal)
      }
    } finally {
      stopWaiting?.()
      this.receiving = false
    }
  }

  async acknowledge(messages: readonly Message[]): Promise<void> {
    this.refuseClosed()
    const settled: Promise<void>[] = []
    for (const [feed, epoch, ordinals] of byFeed(messages, this.feeds)) settled.push(feed.acknowledge(ordinals, epoch))
    this.events.wake()
    await Promise.all(settled)
  }

  async acknowledgeCumulative(message: Message): Promise<void> {
    this.refuseClosed()
    if (!this.settings.cumulative) {
      throw usageError(
        `cumulative acknowledgement is for Exclusive and Failover; ${this.subscription} is shared: acknowledge its messages one by one`,
      )
    }
    const { delivery, ordinal } = ownMessage(message)
    this.events.wake()
    await delivery.feed.acknowledge(RangeSet.of(0, ordinal + 1), delivery.epoch)
  }

  negativeAcknowledge(messages: readonly Message[], delayMs = this.settings.nackDelayMs): void {
    this.refuseClosed()
    const at = delayMs <= 0 ? 0 : Date.now() + delayMs
    for (const [feed, epoch, ordinals] of byFeed(messages, this.feeds)) this.release(feed, epoch, ordinals, at)
  }

  async seek(to: SeekTarget, topic?: string): Promise<void> {
    this.refuseClosed()
    const name = topic === undefined ? undefined : fullTopicName(topic)
    const feeds = this.feeds.filter(({ subscription: { log } }) => name === undefined || log.record.topic === name)
    if (feeds.length === 0) throw usageError(`seek: ${topic} is not a topic of this consumer`)
    const topics = new Set(feeds.map(({ subscription }) => subscription.log.record.topic))
    if (typeof to === 'object' && 'position' in to) {
      if (topics.size > 1) throw usageError('seek to a position: name the topic, this consumer has several')
      // The ledger tells the partition.
      const { ledgerId } = to.position
      const of = feeds.length === 1 ? feeds : feeds.filter(({ subscription: { log } }) => log.ledger === ledgerId)
      if (of.length === 0) throw usageError(`seek: no partition of ${[...topics][0]} has the ledger ${ledgerId}`)
      await this.seekFeeds(of, to)
    } else await this.seekFeeds(feeds, to)
  }

  async backlog(): Promise<number> {
    this.refuseClosed()
    this.settings.refresh()
    let sum = 0
    for (const { subscription } of this.feeds) {
      subscription.log.look()
      subscription.cursor.look()
      if (!subscription.log.deleted) sum += subscription.backlog()
    }
    return sum
  }

  async unsubscribe(): Promise<void> {
    this.refuseClosed()
    const subscriptions = this.feeds.map(({ subscription }) => subscription)
    for (const { members, log, name } of subscriptions) {
      const others = (members?.members.length ?? 1) - 1
      if (others > 0) {
        throw usageError(
          `cannot delete the subscription ${name} of ${log.record.topic}: ${others} other consumers use it`,
        )
      }
    }
    await this.close()
    for (const { cursor, registry, log, name } of subscriptions) {
      await cursor.remove()
      await registry.remove(log.record.id, name)
    }
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll()
    return this.closing
  }

  private async closeAll(): Promise<void> {
    clearTimeout(this.deadlineTimer)
    this.news.wake()
    await Promise.all(this.releases)
    const results = await Promise.allSettled(this.feeds.map(feed => feed.close()))
    this.settings.onClose()
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  private async takeAll(options: ReceiveOptions): Promise<EmbeddedMessage[]> {
    let messages: EmbeddedMessage[] = []
    let room = Math.min(options.maxMessages, this.room())
    let bytes = options.maxBytes ?? DEFAULT_MAX_BYTES
    if (!this.ready || room <= 0) return messages
    this.ready = false
    const { feeds } = this
    const start = this.nextFeed
    for (let n = 0; n < feeds.length && room > 0 && bytes > 0; n += 1) {
      const feed = feeds[(start + n) % feeds.length] as Feed
      if (!feed.maybeReady || (this.settings.pattern && feed.subscription.log.deleted)) continue
      this.nextFeed = (start + n + 1) % feeds.length
      const taking = feed.take(room, bytes)
      const taken = taking instanceof Promise ? await taking : taking
      if (taken.messages.length === 0) continue
      messages = messages.length === 0 ? taken.messages : messages.concat(taken.messages)
      room -= taken.messages.length
      bytes -= taken.bytes
      if (this.settings.ackTimeoutMs > 0) this.expire(feed, taken.ordinals)
    }
    if (messages.length > 0 || room <= 0 || bytes <= 0) this.ready = true
    return messages
  }

  /** How many more may be out. */
  private room(): number {
    let held = 0
    for (const feed of this.feeds) held += feed.held.size
    return this.settings.maxUnsettled - held
  }

  /** Milliseconds to wait at most, of those that are left for the caller. */
  private waitMs(left: number | undefined): number | undefined {
    if (this.room() <= 0) return left
    let due: number | undefined
    for (const { nextDue } of this.feeds)
      if (nextDue !== undefined && (due === undefined || nextDue < due)) due = nextDue
    if (due === undefined) return left
    // By the clock of the wall: it is stored, for all processes.
    const dueMs = Math.max(0, due - Date.now())
    if (left !== undefined && left <= dueMs) return left
    // A message becomes due: look again then.
    for (const feed of this.feeds) if (feed.nextDue === due) feed.maybeReady = true
    this.ready = true
    return dueMs
  }

  private release(feed: Feed, epoch: number, ordinals: RangeSet, at: number): void {
    if (epoch !== feed.epoch || feed.closed) return
    const release = feed
      .release(ordinals, at)
      .catch(this.settings.report)
      .finally(() => {
        this.releases.delete(release)
        this.events.wake()
      })
    this.releases.add(release)
  }

  private expire(feed: Feed, ordinals: RangeSet): void {
    this.deadlines.push({ at: performance.now() + this.settings.ackTimeoutMs, feed, epoch: feed.epoch, ordinals })
    this.armDeadlines()
  }

  private armDeadlines(): void {
    const first = this.deadlines[0]
    if (first === undefined || this.deadlineTimer !== undefined) return
    this.deadlineTimer = setTimeout(
      () => {
        this.deadlineTimer = undefined
        const now = performance.now()
        const passed = this.deadlines.filter(({ at }) => at <= now)
        this.deadlines = this.deadlines.filter(({ at }) => at > now)
        for (const { feed, epoch, ordinals } of passed) {
          if (epoch !== feed.epoch) continue
          const late = new RangeSet()
          ordinals.visit((start, end) => late.addAll(feed.held.intersection(start, end)))
          if (late.size > 0) this.release(feed, epoch, late, 0)
        }
        this.armDeadlines()
      },
      Math.max(1, first.at - performance.now()),
    )
  }

  private async seekFeeds(feeds: readonly Feed[], to: SeekTarget): Promise<void> {
    this.settings.refresh()
    for (const { subscription } of feeds) {
      subscription.log.look()
      await subscription.cursor.seek(ordinalOfTarget(subscription.log, to))
    }
    this.deadlines = []
    this.events.wake()
  }

  private noticeActive(): void {
    const { active } = this
    if (active === this.wasActive) return
    this.wasActive = active
    for (const listener of this.activeListeners) {
      try {
        listener(active)
      } catch (error) {
        this.settings.report(error)
      }
    }
  }

  private refuseClosed(): void {
    if (this.closing !== undefined) throw closedError(`the consumer of ${this.subscription}`)
  }
}

interface OwnMessage {
  readonly delivery: FeedDelivery
  readonly ordinal: number
}

function ownMessage(message: Message): OwnMessage {
  if (!(message instanceof EmbeddedMessage) || !('feed' in message.delivery)) {
    throw usageError('only messages that a consumer of this client received can be settled')
  }
  return { delivery: message.delivery as FeedDelivery, ordinal: message.ordinal }
}

/** Sorts messages by where they came from; neighbours come in runs. */
function byFeed(messages: readonly Message[], feeds: readonly Feed[]): [Feed, number, RangeSet][] {
  const groups: [Feed, number, RangeSet][] = []
  let group: [Feed, number, RangeSet] | undefined
  for (const message of messages) {
    const { delivery, ordinal } = ownMessage(message)
    if (group === undefined || group[0] !== delivery.feed || group[1] !== delivery.epoch) {
      if (!feeds.includes(delivery.feed) && !delivery.feed.closed) {
        throw usageError(`a message of ${delivery.log.record.topic} was received by another consumer`)
      }
      group = groups.find(([feed, epoch]) => feed === delivery.feed && epoch === delivery.epoch)
      if (group === undefined) {
        group = [delivery.feed, delivery.epoch, new RangeSet()]
        groups.push(group)
      }
    }
    group[2].add(ordinal, ordinal + 1)
  }
  return groups
}
