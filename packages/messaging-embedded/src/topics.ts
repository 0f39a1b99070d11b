import type { Retention, SeekTarget, TopicStats, Topics } from '@pulsar-io/messaging'
import { fullTopicName } from '@pulsar-io/messaging'
import type { Catalog, TopicRecord } from './catalog.ts'
import { DispatchState } from './dispatch-state.ts'
import { notFoundError, usageError } from './errors.ts'
import { ordinalOfTarget } from './seek-target.ts'
import type { Shared } from './shared.ts'
import type { TopicLog } from './topic-log.ts'

/** Topics as things to look after. */
export class EmbeddedTopics implements Topics {
  private readonly shared: Shared
  private readonly catalog: Catalog

  constructor(shared: Shared) {
    this.shared = shared
    this.catalog = shared.catalog
  }

  async list(pattern?: string): Promise<readonly string[]> {
    this.shared.env.refresh()
    return this.catalog.list(pattern)
  }

  async exists(topic: string): Promise<boolean> {
    this.shared.env.refresh()
    return this.catalog.find(fullTopicName(topic)) !== undefined
  }

  async create(topic: string, options?: { readonly partitions?: number }): Promise<void> {
    await this.catalog.create(fullTopicName(topic), options?.partitions ?? 0)
  }

  async delete(topic: string): Promise<void> {
    const logs = await this.catalog.delete(fullTopicName(topic))
    for (const record of logs) this.shared.closeLog(record)
    await this.shared.maintenance.settled()
  }

  async partitions(topic: string): Promise<number> {
    this.shared.env.refresh()
    return this.record(topic).partitions
  }

  async setRetention(topic: string, retention: Retention): Promise<void> {
    if (![retention.sizeBytes, retention.timeMs].every(bound => Number.isFinite(bound) && bound >= -1)) {
      throw usageError(`retention of ${topic}: sizeBytes and timeMs are -1 (no bound), 0 or more`)
    }
    for (const log of this.logs(topic)) {
      await this.catalog.setRetention(log.record.id, { sizeBytes: retention.sizeBytes, timeMs: retention.timeMs })
      this.shared.maintenance.soon(log.record)
    }
  }

  async createSubscription(topic: string, subscription: string, from: SeekTarget): Promise<void> {
    for (const record of await this.catalog.open(topic)) {
      const log = this.shared.log(record)
      log.look()
      await this.shared.subscription(log, subscription).cursor.ensure(() => ordinalOfTarget(log, from))
    }
  }

  async deleteSubscription(topic: string, subscription: string): Promise<void> {
    for (const log of this.logs(topic)) {
      const { cursor, registry } = this.shared.subscription(log, subscription)
      cursor.look()
      if (!cursor.exists) throw notFoundError(`the subscription ${subscription} of ${log.record.topic}`)
      const members = registry.read(log.record.id, subscription)?.value.members ?? []
      if (members.length > 0) {
        throw usageError(
          `cannot delete the subscription ${subscription} of ${log.record.topic}: ${members.length} consumers use it, the first is process ${members[0]?.pid}`,
        )
      }
      await cursor.remove()
      await registry.remove(log.record.id, subscription)
      this.shared.maintenance.soon(log.record)
    }
  }

  async deduplication(): Promise<'on'> {
    return 'on'
  }

  async stats(topic: string): Promise<TopicStats> {
    const { env } = this.shared
    const logs = this.logs(topic)
    for (const log of logs) log.look()
    const names = new Set<string>()
    for (const { record } of logs) {
      for (const key of env.cursors.getKeys({ start: [record.id], end: [record.id + 1], snapshot: false })) {
        names.add(String((key as [number, string])[1]))
      }
    }
    const first = logs[0]
    const last = logs.at(-1)
    return {
      topic: fullTopicName(topic),
      partitions: this.record(topic).partitions,
      messages: sum(logs, log => log.next - log.first),
      bytes: sum(logs, log => log.bytes - (log.entryAt(log.first)?.bytesBefore ?? log.bytes)),
      first: first && positionAt(first, first.first),
      last: last && positionAt(last, last.next - 1),
      schema: first && this.catalog.schemas(first.record.id).at(-1),
      producers: Math.max(0, ...logs.map(log => this.shared.seats.count(log.record.id))),
      subscriptions: [...names].sort().map(name => this.subscriptionStats(logs, name)),
    }
  }

  private subscriptionStats(logs: readonly TopicLog[], name: string) {
    const { env } = this.shared
    let backlog = 0
    let unacknowledged = 0
    let consumers = 0
    let type: TopicStats['subscriptions'][number]['type']
    let markDelete: TopicStats['subscriptions'][number]['markDelete']
    for (const log of logs) {
      const subscription = this.shared.subscription(log, name)
      subscription.look()
      if (!subscription.cursor.exists) continue
      backlog += subscription.backlog()
      const members = subscription.members
      if (members !== undefined && members.members.length > 0) {
        type = members.type
        consumers = Math.max(consumers, members.members.length)
      }
      const dispatch = env.read(env.dispatch, [log.record.id, name])
      if (dispatch !== undefined) {
        const state = DispatchState.decode(dispatch.value)
        state.settle(subscription.cursor.acknowledged)
        if (state.epoch === subscription.cursor.epoch)
          for (const held of state.claims.values()) unacknowledged += held.size
      }
      unacknowledged += this.shared.heldInMemory(subscription)
      markDelete ??= positionAt(log, subscription.cursor.mark - 1)
    }
    return { name, type, backlog, unacknowledged, consumers, markDelete }
  }

  private record(topic: string): TopicRecord {
    const record = this.catalog.find(fullTopicName(topic))
    if (record === undefined) throw notFoundError(`the topic ${fullTopicName(topic)}`)
    return record
  }

  private logs(topic: string): TopicLog[] {
    this.shared.env.refresh()
    return this.catalog.logsOf(fullTopicName(topic), this.record(topic)).map(record => this.shared.log(record))
  }
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0)
}

/** Position of an ordinal; where its entry is gone, that of a message of its own. Undefined before the first one. */
function positionAt(log: TopicLog, ordinal: number) {
  if (ordinal < 0 || log.next === 0 || ordinal >= log.next) return undefined
  const entry = log.entryAt(ordinal)
  if (entry === undefined || entry.base > ordinal) {
    return { ledgerId: log.ledger, entryId: BigInt(ordinal), batchIndex: -1 }
  }
  return { ledgerId: log.ledger, entryId: entry.id, batchIndex: entry.single ? -1 : ordinal - entry.base }
}
