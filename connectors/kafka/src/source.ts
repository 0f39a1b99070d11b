import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectorError, type Source, type SourceContext, type SourceRecord } from '@pulsar-io/sdk'
import { connectionSettings, type Settings } from './connection.ts'
import type { TopicInfo } from './driver/client.ts'
import { failureOf } from './driver/failure.ts'
import type { Fetcher } from './driver/fetcher.ts'
import type { GroupEvents, TopicPartition } from './driver/group.ts'
import { committedOnly, openReader, type Reader } from './driver/reader.ts'
import { explain } from './errors.ts'
import { withoutEffect } from './java-properties.ts'
import type { SourceConfig } from './options.ts'
import { Partition, partitionId } from './partition.ts'
import { parsePartitions } from './partitions.ts'
import { splitList } from './rules.ts'
import { recordMaker } from './source-record.ts'
import { parseStart, type Start } from './start-from.ts'

/** Reads Kafka topics as a member of a consumer group, or fixed partitions. */
export class KafkaSource implements Source<SourceConfig> {
  readonly #connect: typeof openReader
  #opened: Opened | undefined

  constructor(connect: typeof openReader = openReader) {
    this.#connect = connect
  }

  async open(config: SourceConfig, context: SourceContext): Promise<void> {
    const { logger, name, instanceId } = context
    for (const message of notices(config)) logger.info(message)
    const settings = await connectionSettings(config, config.consumerConfigProperties, name)
    const reader = await this.#connect(config, settings, instanceId)
    const opened = new Opened(reader, config, settings, context)
    this.#opened = opened
    await opened.start()
  }

  async read(): Promise<readonly SourceRecord[]> {
    if (!this.#opened) throw new Error('the source is not open')
    return this.#opened.read()
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.close()
  }
}

/** A source between `open` and `close`. */
class Opened implements GroupEvents {
  readonly #reader: Reader
  readonly #config: SourceConfig
  readonly #settings: Settings
  readonly #context: SourceContext
  readonly #fetcher: Fetcher<Partition>
  readonly #make: ReturnType<typeof recordMaker>
  readonly #committedOnly: boolean
  readonly #waiting: SourceRecord[][] = []
  #topics: ReadonlyMap<string, TopicInfo> = new Map()
  #partitions: Partition[] = []
  /** Grows whenever partitions come or go: what was begun before does not count any more. */
  #generation = 0
  #committing: Promise<void> | undefined
  #commitTimer: NodeJS.Timeout | undefined
  #lookTimer: NodeJS.Timeout | undefined
  #settled: (() => void) | undefined
  #warned = false
  /** Partitions are about to be handed over: nothing more of them is handed on. */
  #leaving = false
  #closed = false

  constructor(reader: Reader, config: SourceConfig, settings: Settings, context: SourceContext) {
    this.#reader = reader
    this.#config = config
    this.#settings = settings
    this.#context = context
    this.#make = recordMaker(config)
    this.#committedOnly = committedOnly(config)
    this.#fetcher = reader.fetcher<Partition>({
      outOfRange: partition => this.#outOfRange(partition),
      trouble: reason => {
        if (reason === undefined) context.connection('connected')
        else context.connection('reconnecting', reason)
      },
    })
  }

  async start(): Promise<void> {
    const { partitions, topic, topicsPattern } = this.#config
    const { logger } = this.#context
    this.#topics = await this.#find()
    const { servers } = this.#settings.where
    if (partitions.length > 0) {
      const mine = this.#mine(parsePartitions(partitions))
      logger.info(`connected to Kafka at ${servers}`, { topic, partitions: mine.map(({ partition }) => partition) })
      await this.#begin(mine)
    } else {
      logger.info(`connected to Kafka at ${servers}`, { topics: [...this.#topics.keys()], group: this.#config.groupId })
      if (this.#topics.size === 0) logger.info(`no topic matches ${topicsPattern} yet`)
      // Asked for nothing else than whether the group may be used: better known now than later.
      const [first] = this.#topics.keys()
      if (first !== undefined) await this.#committed([{ topic: first, partition: 0 }])
      if (this.#topics.size > 0) this.#reader.group.join([...this.#topics.keys()], this)
      this.#lookTimer = setInterval(() => void this.#look(), this.#settings.metadataMaxAgeMs)
    }
    if (this.#config.autoCommitEnabled)
      this.#commitTimer = setInterval(() => void this.#commit(), this.#config.autoCommitIntervalMs)
  }

  async read(): Promise<readonly SourceRecord[]> {
    const { signal } = this.#context
    for (;;) {
      const waiting = this.#waiting.shift()
      if (waiting) return waiting
      const answer = await this.#fetcher.next(signal)
      if (answer === undefined) return []
      if (this.#leaving || answer.some(({ reading }) => !this.#partitions.includes(reading))) continue
      const records: SourceRecord[] = []
      for (const fetched of answer) for (const record of this.#make(fetched, this.#committedOnly)) records.push(record)
      const most = this.#config.consumerConfigProperties['max.poll.records']
      if (records.length === 0) continue
      if (most === undefined || records.length <= most) return records
      for (let from = 0; from < records.length; from += most) this.#waiting.push(records.slice(from, from + most))
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#commitTimer)
    clearInterval(this.#lookTimer)
    this.#fetcher.close()
    await this.#committing
    await this.#commit()
    this.#partitions = []
    await this.#reader.close()
  }

  /** Before the group shares out anew: everything in flight is published and committed, or will be read again. */
  async handOver(): Promise<void> {
    const leaving = this.#partitions
    if (leaving.length === 0 || this.#closed) return
    this.#leaving = true
    this.#fetcher.assign([])
    const limit = Math.min(
      this.#config.sessionTimeoutMs,
      this.#config.consumerConfigProperties['max.poll.interval.ms'] ?? 60_000,
    )
    const inTime = await this.#allSettled((limit * 2) / 3)
    if (!inTime)
      this.#context.logger.warn(
        'partitions are handed over before all of their records were published; those are read again',
        {
          group: this.#config.groupId,
        },
      )
    await this.#committing
    await this.#commit()
    this.#generation++
    this.#partitions = []
    await Promise.all(leaving.map(({ id }) => this.#context.release?.(id)))
  }

  assigned(partitions: readonly TopicPartition[]): void {
    const names = partitions.map(({ topic, partition }) => `${topic}-${partition}`)
    this.#context.logger.info(`partitions of this instance: ${names.join(', ') || 'none'}`, {
      group: this.#config.groupId,
    })
    void this.#begin(partitions).catch(error => this.#fetcher.fail(error))
  }

  lost(error: unknown): void {
    if (!this.#closed)
      this.#fetcher.fail(explain(error, `take part in group ${this.#config.groupId}`, this.#settings.where))
  }

  /** Static partitions are dealt out to the instances in turn. */
  #mine(numbers: readonly number[]): TopicPartition[] {
    const { instanceId, numInstances } = this.#context
    const [topic = ''] = this.#topics.keys()
    const there = this.#topics.get(topic)?.leaders.length ?? 0
    const none = numbers.filter(number => number >= there)
    if (none.length > 0)
      throw new ConnectorError(
        'PIO_KAFKA_NO_TOPIC',
        'block',
        `topic ${topic} has ${there} partitions, so there is no ${none.join(', ')}; correct partitions`,
      )
    return numbers.filter((_, i) => i % numInstances === instanceId).map(partition => ({ topic, partition }))
  }

  async #find(): Promise<ReadonlyMap<string, TopicInfo>> {
    const { topic, topicsPattern } = this.#config
    return topicsPattern === ''
      ? this.#reader.check(splitList(topic ?? ''))
      : this.#reader.matching(new RegExp(`^(?:${topicsPattern})$`))
  }

  /** Looks for new topics and partitions; the group shares them out. */
  async #look(): Promise<void> {
    try {
      const before = this.#topics
      const now = await this.#find()
      const changed = [...now].filter(([name, { leaders }]) => before.get(name)?.leaders.length !== leaders.length)
      if (this.#closed || changed.length === 0) return
      this.#topics = new Map([...before, ...now])
      const names = [...this.#topics.keys()]
      if (before.size === 0) this.#reader.group.join(names, this)
      else this.#reader.group.subscribe(names, this)
    } catch (error) {
      // Reading itself will tell if the servers are away.
      this.#context.logger.debug('cannot look for new partitions', { reason: (error as Error).message })
    }
  }

  /** Reads these partitions from now on, each from where it is to go on. */
  async #begin(partitions: readonly TopicPartition[]): Promise<void> {
    const generation = ++this.#generation
    this.#partitions = []
    const topics = partitions.length === 0 ? this.#topics : await this.#find()
    this.#topics = new Map([...this.#topics, ...topics])
    const committed = new Map(
      (await this.#committed(partitions)).map(({ topic, partition, next }) => [`${topic} ${partition}`, next]),
    )
    const begun = await Promise.all(
      partitions.map(async ({ topic, partition }) => {
        const topicId = this.#topics.get(topic)?.id ?? topic
        const known = this.#goOnAt(committed.get(`${topic} ${partition}`), partitionId(topic, topicId, partition))
        const start = known ?? (await this.#reader.resolve({ topic, partition }, this.#start()))
        const begun = new Partition(topic, topicId, partition, start, () => this.#onPublished())
        // A start that is only "the end as it is now" has to be kept, or a crash before the first record would skip some.
        begun.committed = known
        return begun
      }),
    )
    if (generation !== this.#generation || this.#closed) return
    this.#partitions = begun
    this.#leaving = false
    this.#fetcher.assign(begun)
    await this.#commit()
  }

  /** Where an earlier run stopped; undefined where there was none. */
  #goOnAt(committed: bigint | undefined, id: string): bigint | undefined {
    // Both say that everything before them is published. Whoever moves the group's offset means it, but under
    // EFFECTIVELY_ONCE what is published already would be dropped again anyway.
    const stored = this.#context.offsets.get(id)?.next
    const ours = typeof stored === 'number' ? BigInt(stored) : undefined
    if (this.#context.guarantee !== 'EFFECTIVELY_ONCE') return committed ?? ours
    if (committed === undefined || ours === undefined) return committed ?? ours
    return committed > ours ? committed : ours
  }

  #start(): Start {
    const { startFrom, autoOffsetReset } = this.#config
    if (startFrom !== '') return parseStart(startFrom)
    if (autoOffsetReset !== 'none') return { kind: autoOffsetReset }
    throw new ConnectorError(
      'PIO_KAFKA_OFFSET_LOST',
      'stop',
      `group ${this.#config.groupId} has no committed offset and autoOffsetReset is none; set startFrom`,
    )
  }

  async #outOfRange(partition: Partition): Promise<bigint> {
    const { autoOffsetReset } = this.#config
    const what = `offset ${partition.next} of partition ${partition.partition} of topic ${partition.topic} is not there any more`
    if (autoOffsetReset === 'none')
      throw new ConnectorError(
        'PIO_KAFKA_OFFSET_LOST',
        'stop',
        `${what}, and autoOffsetReset is none; reset the group’s offset`,
      )
    const next = await this.#reader.resolve(partition, { kind: autoOffsetReset })
    this.#context.logger.warn(`${what}; going on at ${next}, as autoOffsetReset says`, {
      lost: Number(next - partition.next),
    })
    return next
  }

  async #committed(partitions: readonly TopicPartition[]) {
    try {
      return partitions.length === 0 ? [] : await this.#reader.group.committed(partitions)
    } catch (error) {
      throw explain(error, `tell the offsets of group ${this.#config.groupId}`, this.#settings.where)
    }
  }

  #onPublished(): void {
    if (this.#settled && this.#partitions.every(({ settled }) => settled)) this.#settled()
    if (!this.#config.autoCommitEnabled && !this.#committing && !this.#closed) void this.#commit()
  }

  /** Resolves with whether everything that was handed on is published in time. */
  async #allSettled(withinMs: number): Promise<boolean> {
    if (this.#partitions.every(({ settled }) => settled)) return true
    const done = new Promise<true>(resolve => {
      this.#settled = () => resolve(true)
    })
    const stop = new AbortController()
    const late = sleep(withinMs, false, { signal: AbortSignal.any([stop.signal, this.#context.signal]) }).catch(
      () => false,
    )
    const inTime = await Promise.race([done, late])
    this.#settled = undefined
    stop.abort()
    return inTime
  }

  get #due(): { readonly partition: Partition; readonly next: bigint }[] {
    return this.#partitions
      .map(partition => ({ partition, next: partition.done }))
      .filter(({ partition, next }) => partition.committed !== next)
  }

  /** Commits how far each partition is published. Never rejects: what is not committed is committed the next time. */
  #commit(): Promise<void> {
    this.#committing ??= this.#commitNow().finally(() => {
      this.#committing = undefined
      // What was published meanwhile.
      if (!this.#config.autoCommitEnabled && !this.#closed && !this.#warned && this.#due.length > 0) void this.#commit()
    })
    return this.#committing
  }

  async #commitNow(): Promise<void> {
    const due = this.#due
    let lag = 0n
    for (const { end, done } of this.#partitions) if (end > done) lag += end - done
    this.#context.metrics.record('lag', Number(lag))
    if (due.length === 0) return
    try {
      await this.#reader.group.commit(
        due.map(({ partition: { topic, partition }, next }) => ({ topic, partition, next })),
      )
      for (const { partition, next } of due) partition.committed = next
      this.#warned = false
    } catch (error) {
      const { codes } = failureOf(error)
      // The group is being shared out anew, which is about to be heard.
      const leaving = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'].some(code =>
        codes.includes(code),
      )
      const level = leaving || this.#warned || this.#closed ? 'debug' : 'warn'
      this.#warned ||= !leaving
      this.#context.logger[level]('offsets could not be committed; nothing is lost, the next commit covers them', {
        reason: codes.join(', ') || failureOf(error).reason,
      })
    }
  }
}

function notices(config: SourceConfig): string[] {
  const properties = withoutEffect('consumerConfigProperties', config.consumerConfigProperties)
  return [
    ...(config.sslTruststorePassword === '' ? [] : ['sslTruststorePassword has no effect: PEM files have none']),
    ...(properties === undefined ? [] : [properties]),
  ]
}
