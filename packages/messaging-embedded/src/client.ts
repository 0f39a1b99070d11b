import type {
  Capabilities,
  Consumer,
  ConsumerOptions,
  KeyValueStore,
  MessagingClient,
  Producer,
  ProducerOptions,
  Reader,
  ReaderOptions,
  Topics,
} from '@pulsar-io/messaging'
import { fullTopicName, randomId, topicPattern } from '@pulsar-io/messaging'
import { isConnectorError } from '@pulsar-io/sdk/core'
import type { TopicRecord } from './catalog.ts'
import { EmbeddedConsumer } from './consumer.ts'
import { closedError, usageError } from './errors.ts'
import { Feed } from './feed.ts'
import { EmbeddedKeyValueStore } from './key-value-store.ts'
import { EmbeddedProducer } from './producer.ts'
import type { ProducerSeat } from './producer-seats.ts'
import { EmbeddedReader } from './reader.ts'
import type { Shared } from './shared.ts'
import { EmbeddedTopics } from './topics.ts'
import { WaitPoint } from './waiting.ts'

/** What the embedded log can do. */
export const EMBEDDED_CAPABILITIES: Capabilities = {
  partitions: true,
  lastSequenceId: true,
  deduplication: true,
  seekByTime: true,
  nackDelay: true,
  transactions: false,
  durableAcks: true,
  tombstones: true,
  byteKeys: true,
  messageSchemas: true,
  messageSequenceIds: true,
  activeConsumer: true,
}

const DEFAULT_NACK_DELAY_MS = 60_000
const DEFAULT_MAX_UNSETTLED = 50_000
const MAX_SUBSCRIPTION_BYTES = 500

interface Closable {
  close(): Promise<void>
}

/** One client of a directory. */
export class EmbeddedClient implements MessagingClient {
  readonly capabilities = EMBEDDED_CAPABILITIES
  readonly topics: Topics
  private readonly shared: Shared
  private readonly release: () => Promise<void>
  private readonly open = new Set<Closable>()
  private closing: Promise<void> | undefined

  constructor(shared: Shared, release: () => Promise<void>) {
    this.shared = shared
    this.release = release
    this.topics = new EmbeddedTopics(shared)
  }

  async createProducer(options: ProducerOptions): Promise<Producer> {
    this.refuseClosed()
    const { shared } = this
    const topic = fullTopicName(options.topic)
    const name = options.name ?? `embedded-${process.pid}-${randomId().slice(0, 8)}`
    const lanes: { log: ReturnType<Shared['log']>; schema: number; seat: ProducerSeat }[] = []
    try {
      let lastSequenceId = -1n
      for (const record of await shared.catalog.open(topic)) {
        const log = shared.log(record)
        const seat = await this.takeSeat(topic, record, name, options)
        lanes.push({ log, seat, schema: -1 })
        const schema = options.schema === undefined ? -1 : await shared.catalog.addSchema(record.id, options.schema)
        lanes[lanes.length - 1] = { log, seat, schema }
        log.look()
        const stored = log.storedSequence(name)
        if (stored > lastSequenceId) lastSequenceId = stored
      }
      const producer = new EmbeddedProducer({
        topic,
        name,
        named: options.name !== undefined,
        lanes,
        lastSequenceId,
        onClose: async () => {
          this.open.delete(producer)
          for (const { seat } of lanes) await seat.leave()
        },
      })
      this.open.add(producer)
      return producer
    } catch (error) {
      for (const { seat } of lanes) await seat.leave()
      throw error
    }
  }

  async subscribe(options: ConsumerOptions): Promise<Consumer> {
    this.refuseClosed()
    checkConsumerOptions(options)
    const { shared } = this
    const stops: (() => void)[] = []
    const consumer = new EmbeddedConsumer({
      subscription: options.subscription,
      cumulative: options.type === 'Exclusive' || options.type === 'Failover',
      ackTimeoutMs: options.ackTimeoutMs ?? 0,
      nackDelayMs: options.nackDelayMs ?? DEFAULT_NACK_DELAY_MS,
      maxUnsettled: options.maxUnsettled ?? DEFAULT_MAX_UNSETTLED,
      pattern: options.topicsPattern !== undefined,
      waiting: () => shared.watcher.wait(),
      refresh: () => shared.env.refresh(),
      report: shared.report,
      onClose: () => {
        this.open.delete(consumer)
        for (const stop of stops) stop()
      },
    })
    this.open.add(consumer)
    try {
      for (const topic of options.topics ?? []) {
        for (const record of await shared.catalog.open(topic)) {
          await this.join(consumer, record, options, options.initialPosition ?? 'Latest', stops)
        }
      }
      if (options.topicsPattern !== undefined) {
        await this.joinPattern(consumer, options.topicsPattern, options, stops)
      }
      return consumer
    } catch (error) {
      await consumer.close()
      throw error
    }
  }

  async createReader(options: ReaderOptions): Promise<Reader> {
    this.refuseClosed()
    const { shared } = this
    const records = await shared.catalog.open(options.topic)
    shared.env.refresh()
    const logs = records.map(record => shared.log(record))
    for (const log of logs) log.look()
    const stops = logs.map(log => shared.follow(log))
    const reader = new EmbeddedReader(
      {
        topic: fullTopicName(options.topic),
        logs,
        waiting: () => shared.watcher.wait(),
        refresh: () => shared.env.refresh(),
        onClose: () => {
          this.open.delete(reader)
          for (const stop of stops) stop()
        },
      },
      options,
    )
    this.open.add(reader)
    return reader
  }

  async openStore(name: string): Promise<KeyValueStore> {
    this.refuseClosed()
    if (name === '' || Buffer.byteLength(name) > MAX_SUBSCRIPTION_BYTES || name.includes('\0')) {
      throw usageError(`a store's name has 1 to ${MAX_SUBSCRIPTION_BYTES} bytes, got ${JSON.stringify(name)}`)
    }
    return new EmbeddedKeyValueStore(this.shared.env, name)
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll()
    return this.closing
  }

  private async closeAll(): Promise<void> {
    const results = await Promise.allSettled([...this.open].map(one => one.close()))
    await this.release()
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  private async takeSeat(
    topic: string,
    record: TopicRecord,
    name: string,
    options: ProducerOptions,
  ): Promise<ProducerSeat> {
    const { shared } = this
    const access = options.access ?? 'Shared'
    const producer = { id: randomId(), name, session: shared.sessions.own.id, pid: process.pid }
    const news = new WaitPoint()
    let waiting: (() => void) | undefined
    let stop: (() => void) | undefined
    let reaped = false
    try {
      for (;;) {
        options.signal?.throwIfAborted()
        try {
          return await shared.seats.take(topic, record.id, producer, access)
        } catch (error) {
          if (!isConnectorError(error) || error.code !== 'PIO_PRODUCER_BUSY') throw error
          if (!reaped) {
            // Perhaps the holder is dead and nobody noticed yet.
            reaped = true
            await shared.sessions.reap()
            continue
          }
          if (access !== 'WaitForExclusive') throw error
        }
        waiting ??= shared.watcher.wait()
        stop ??= shared.watcher.watch(() => news.wake())
        await news.wait(WAIT_FOR_SEAT_MS, options.signal)
      }
    } finally {
      waiting?.()
      stop?.()
    }
  }

  private async join(
    consumer: EmbeddedConsumer,
    record: TopicRecord,
    options: ConsumerOptions,
    from: 'Earliest' | 'Latest',
    stops: (() => void)[],
  ): Promise<void> {
    if (consumer.hasLog(record.id)) return
    const { shared } = this
    options.signal?.throwIfAborted()
    const log = shared.log(record)
    shared.env.refresh()
    log.look()
    const subscription = shared.subscription(log, options.subscription)
    await subscription.cursor.ensure(() => (from === 'Earliest' ? log.first : log.next))
    const id = randomId()
    const member = {
      id,
      name: options.name ?? id.slice(0, 8),
      session: shared.sessions.own.id,
      pid: process.pid,
      priority: options.priority ?? 0,
    }
    const enter = () => shared.registry.join(log.record.topic, record.id, options.subscription, options.type, member)
    try {
      await enter()
    } catch (error) {
      if (!isConnectorError(error) || error.code !== 'PIO_CONSUMER_BUSY') throw error
      // Perhaps the holder is dead and nobody noticed yet.
      await shared.sessions.reap()
      await enter()
    }
    subscription.look()
    const feed = new Feed(subscription, options.type, member, consumer.events)
    stops.push(shared.addFeed(feed))
    consumer.addFeed(feed)
  }

  /** Joins the topics that match, and those that match later. */
  private async joinPattern(
    consumer: EmbeddedConsumer,
    pattern: string,
    options: ConsumerOptions,
    stops: (() => void)[],
  ): Promise<void> {
    const { shared } = this
    topicPattern(pattern)
    let revision: number | undefined
    let working: Promise<void> = Promise.resolve()
    const joinAll = async (from: 'Earliest' | 'Latest') => {
      shared.env.refresh()
      const now = shared.catalog.revision()
      if (now === revision) return
      revision = now
      await consumer.dropDeleted()
      for (const name of shared.catalog.list(pattern)) {
        const record = shared.catalog.find(name)
        if (record === undefined) continue
        for (const log of shared.catalog.logsOf(name, record)) await this.join(consumer, log, options, from, stops)
      }
    }
    await joinAll(options.initialPosition ?? 'Latest')
    let closed = false
    stops.push(() => {
      closed = true
    })
    stops.push(
      shared.watcher.watch(() => {
        if (shared.catalog.revision() === revision) return
        // A topic that is made while we listen is ours from its first message on.
        working = working
          .then(() => (closed ? undefined : joinAll('Earliest')))
          .catch(error => {
            revision = undefined
            shared.report(error)
          })
      }),
    )
  }

  private refuseClosed(): void {
    if (this.closing !== undefined) throw closedError('the messaging client')
  }
}

const WAIT_FOR_SEAT_MS = 1_000

function checkConsumerOptions(options: ConsumerOptions): void {
  const { subscription, topics, topicsPattern, maxUnsettled } = options
  if (subscription === '' || Buffer.byteLength(subscription) > MAX_SUBSCRIPTION_BYTES || subscription.includes('\0')) {
    throw usageError(
      `a subscription's name has 1 to ${MAX_SUBSCRIPTION_BYTES} bytes, got ${JSON.stringify(subscription)}`,
    )
  }
  if ((topics === undefined || topics.length === 0) === (topicsPattern === undefined)) {
    throw usageError('a consumer needs either topics or a topicsPattern')
  }
  if (maxUnsettled !== undefined && !(maxUnsettled >= 1)) {
    throw usageError(`maxUnsettled must be at least 1, got ${maxUnsettled}`)
  }
}
