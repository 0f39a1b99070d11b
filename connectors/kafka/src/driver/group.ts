import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer } from '@platformatic/kafka'
import type { Settings } from '../connection.ts'
import { type Client, type Connection, driverOptions } from './client.ts'
import { PASSING } from './codes.ts'
import { failureOf } from './failure.ts'

/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** How far a group got: the offset of the next record to read. */
export interface Committed extends TopicPartition {
  readonly next: bigint
}

export interface GroupOptions {
  readonly groupId: string
  /** A static member's name. */
  readonly instanceId: string | undefined
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly rebalanceTimeoutMs: number
}

/** What a member of a group hears. */
export interface GroupEvents {
  /** Partitions are about to be shared out anew: whatever is in flight has to be settled before this resolves. */
  handOver(): Promise<void>
  /** From now on these partitions are this member's. */
  assigned(partitions: readonly TopicPartition[]): void
  /** The group cannot be taken part in any more. */
  lost(error: unknown): void
}

const COMMIT_TRIES = 5

/** Offsets of a group, and membership in it where it is asked for. */
export class Group {
  readonly #client: Client
  readonly #settings: Settings
  readonly #options: GroupOptions
  #coordinator: Connection | undefined
  #member: Consumer | undefined

  constructor(client: Client, settings: Settings, options: GroupOptions) {
    this.#client = client
    this.#settings = settings
    this.#options = options
  }

  /** The committed offsets; a partition without one is left out. Rejects with the driver's error. */
  async committed(partitions: readonly TopicPartition[]): Promise<Committed[]> {
    const topics = [...byTopic(partitions)].map(([name, list]) => ({
      name,
      partitionIndexes: list.map(({ partition }) => partition),
    }))
    // Stable: a commit that is part of a transaction under way is waited for.
    const group = { groupId: this.#options.groupId, memberId: null, memberEpoch: -1, topics }
    const { groups } = await this.#coordinated(connection =>
      this.#client.call(connection, 'OffsetFetch', [group], true),
    )
    return (groups[0]?.topics ?? []).flatMap(({ name, partitions: found }) =>
      found.flatMap(({ partitionIndex, committedOffset }) =>
        committedOffset < 0n ? [] : [{ topic: name, partition: partitionIndex, next: committedOffset }],
      ),
    )
  }

  /** Commits offsets, as a member where there is a membership. Rejects with the driver's error. */
  async commit(offsets: readonly Committed[]): Promise<void> {
    if (offsets.length === 0) return
    const topics = [...byTopic(offsets)].map(([name, list]) => ({
      name,
      partitions: list.map(({ partition, next }) => ({
        partitionIndex: partition,
        committedOffset: next,
        committedLeaderEpoch: -1,
        committedMetadata: null,
      })),
    }))
    const { generationId, memberId, groupInstanceId } = this.#member ?? {
      generationId: -1,
      memberId: '',
      groupInstanceId: null,
    }
    await this.#coordinated(connection =>
      this.#client.call(
        connection,
        'OffsetCommit',
        this.#options.groupId,
        generationId,
        memberId ?? '',
        groupInstanceId,
        topics,
      ),
    )
  }

  /** Joins the group. Resolves at once; the events tell the rest. */
  join(topics: readonly string[], events: GroupEvents): void {
    const { groupId, instanceId, sessionTimeoutMs, heartbeatIntervalMs, rebalanceTimeoutMs } = this.#options
    const member = new Consumer({
      clientId: this.#settings.clientId,
      bootstrapBrokers: this.#settings.servers.map(server => ({ ...server })),
      groupId,
      ...(instanceId === undefined ? {} : { groupInstanceId: instanceId }),
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: heartbeatIntervalMs,
      rebalanceTimeout: Math.max(rebalanceTimeoutMs, sessionTimeoutMs),
      connectTimeout: this.#settings.connectTimeoutMs,
      // An answer to a wish to join takes until all others have come, too.
      requestTimeout: Math.max(rebalanceTimeoutMs, sessionTimeoutMs, this.#settings.requestTimeoutMs) + 5000,
      retries: 10,
      retryDelay: 250,
      ...driverOptions(this.#settings),
      // Called each time before the group is joined (again), and waited for: the one moment to settle in.
      protocolsMetadata: async () => {
        await events.handOver()
        return Buffer.alloc(0)
      },
    })
    this.#member = member
    member.on('consumer:group:join', ({ assignments }) => {
      if (this.#member !== member) return
      events.assigned(
        (assignments ?? []).flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition }))),
      )
    })
    member.on('consumer:heartbeat:stalled', ({ lastError }) =>
      events.lost(lastError ?? new Error('no heartbeat was answered (timed out)')),
    )
    // The driver says so when it cannot join again; its types know no such event.
    ;(member as unknown as NodeJS.EventEmitter).on('error', error => events.lost(error))
    this.#track(member, topics, events)
  }

  /** Reads other topics from now on: the group shares out anew. */
  subscribe(topics: readonly string[], events: GroupEvents): void {
    if (this.#member) this.#track(this.#member, topics, events)
  }

  async close(): Promise<void> {
    const member = this.#member
    this.#member = undefined
    if (!member) return
    // Whoever cannot say goodbye is missed after the session timeout.
    await Promise.race([member.close(true), sleep(3000, undefined, { ref: false })])
  }

  #track(member: Consumer, topics: readonly string[], events: GroupEvents): void {
    for (const topic of topics) if (!member.topics.has(topic)) member.topics.track(topic)
    member.joinGroup({}).catch((error: unknown) => {
      if (this.#member === member) events.lost(error)
    })
  }

  async #coordinated<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    for (let left = COMMIT_TRIES; ; left--) {
      try {
        this.#coordinator ??= await this.#client.coordinator('group', this.#options.groupId)
        return await work(this.#coordinator)
      } catch (error) {
        this.#coordinator = undefined
        const { codes, login } = failureOf(error)
        const passing = !login && codes.every(code => PASSING.has(code) || code === 'UNSTABLE_OFFSET_COMMIT')
        if (!passing || left <= 1) throw error
        await sleep(100 * (COMMIT_TRIES - left + 1))
      }
    }
  }
}

function byTopic<T extends TopicPartition>(partitions: readonly T[]): Map<string, T[]> {
  const topics = new Map<string, T[]>()
  for (const each of partitions) {
    const list = topics.get(each.topic)
    if (list) list.push(each)
    else topics.set(each.topic, [each])
  }
  return topics
}
