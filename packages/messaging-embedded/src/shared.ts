import type { Retention } from '@pulsar-io/messaging'
import type { Logger } from '@pulsar-io/sdk'
import { Catalog, type TopicRecord } from './catalog.ts'
import { EntryCache } from './entry-cache.ts'
import { Environment } from './environment.ts'
import type { Feed } from './feed.ts'
import { Maintenance } from './maintenance.ts'
import { ProducerSeats } from './producer-seats.ts'
import { Registry } from './registry.ts'
import { Sessions } from './sessions.ts'
import { Subscription } from './subscription.ts'
import { TopicLog } from './topic-log.ts'
import { Watcher } from './watcher.ts'

/** How a directory is opened. */
export interface SharedOptions {
  readonly directory: string
  readonly retention: Retention | undefined
  readonly logger: Logger | undefined
  readonly mapSize: number | undefined
}

/** All that the clients of one directory have in common within one thread. */
export class Shared {
  readonly env: Environment
  readonly catalog: Catalog
  readonly registry: Registry
  readonly seats: ProducerSeats
  readonly sessions: Sessions
  readonly watcher: Watcher
  readonly maintenance: Maintenance
  readonly report: (error: unknown) => void
  private readonly cache: EntryCache
  private readonly logs = new Map<number, { readonly log: TopicLog; users: number; stop: (() => void) | undefined }>()
  private readonly subscriptions = new Map<string, Subscription>()
  private readonly feeds = new Set<Feed>()

  static async open(options: SharedOptions): Promise<Shared> {
    const shared = new Shared(await Environment.open(options.directory, options.mapSize), options)
    try {
      await shared.start()
      return shared
    } catch (error) {
      await shared.close()
      throw error
    }
  }

  private constructor(env: Environment, options: SharedOptions) {
    const { logger } = options
    this.report = error => {
      logger?.warn('embedded log: work in the background failed; it is tried again', { error })
    }
    this.env = env
    this.catalog = new Catalog(this.env)
    this.registry = new Registry(this.env)
    this.seats = new ProducerSeats(this.env)
    this.cache = new EntryCache(this.env)
    this.watcher = new Watcher(this.env, this.report)
    this.maintenance = new Maintenance(this.env, this.catalog, options.retention, this.report)
    this.sessions = new Sessions(this.env, dead => this.bury(dead), this.report)
  }

  private async start(): Promise<void> {
    await this.env.checkFormat()
    await this.sessions.start()
    this.maintenance.sweep()
  }

  log(record: TopicRecord): TopicLog {
    let known = this.logs.get(record.id)
    if (known === undefined) {
      known = { log: new TopicLog(this.env, this.catalog, this.cache, record), users: 0, stop: undefined }
      this.logs.set(record.id, known)
    }
    return known.log
  }

  /** Follows what others append to a log, until the returned function is called. */
  follow(log: TopicLog): () => void {
    const known = this.logs.get(log.record.id)
    if (known === undefined) return () => undefined
    known.users += 1
    known.stop ??= this.watcher.watch(() => log.look(), log.record.id)
    let following = true
    return () => {
      if (!following) return
      following = false
      known.users -= 1
      if (known.users > 0) return
      known.stop?.()
      known.stop = undefined
    }
  }

  /** A deleted topic: whoever has it open shall notice now. */
  closeLog(record: TopicRecord): void {
    const known = this.logs.get(record.id)
    if (known === undefined) return
    known.log.look()
    known.log.news.fire()
  }

  subscription(log: TopicLog, name: string): Subscription {
    const key = `${log.record.id}:${name}`
    let subscription = this.subscriptions.get(key)
    if (subscription === undefined) {
      subscription = new Subscription(this.env, this.registry, log, name)
      subscription.news.listen(() => this.maintenance.soon(log.record))
      this.subscriptions.set(key, subscription)
    }
    return subscription
  }

  addFeed(feed: Feed): () => void {
    this.feeds.add(feed)
    const { subscription } = feed
    const stopLog = this.follow(subscription.log)
    const stopSubscription = this.watcher.watch(() => subscription.look(), subscription.log.record.id)
    return () => {
      this.feeds.delete(feed)
      stopLog()
      stopSubscription()
    }
  }

  /** Messages out at consumers of this thread whose claims are in memory. */
  heldInMemory(subscription: Subscription): number {
    let held = 0
    for (const feed of this.feeds) if (feed.subscription === subscription && !feed.shared) held += feed.held.size
    return held
  }

  async close(): Promise<void> {
    this.watcher.stop()
    await this.maintenance.stop()
    await this.sessions.stop()
    await this.env.close()
  }

  private async bury(dead: ReadonlySet<string>): Promise<void> {
    await this.registry.removeSessions(dead)
    await this.seats.removeSessions(dead)
    this.env.refresh()
    for (const subscription of this.subscriptions.values()) subscription.look()
  }
}
