import {
  type BatchInfo,
  type BatchSink,
  comparePositions,
  isConnectorError,
  type Outcome,
  type PartitionCheckpoint,
  type Record,
  type SinkContext,
} from '@pulsar-io/sdk'
import { connectionSettings } from './connection.ts'
import type { OutgoingRecord } from './driver/producer.ts'
import type { TransactionalProducer } from './driver/transaction.ts'
import { openWriter, type PositionsLog, type Writer } from './driver/writer.ts'
import { withoutEffect } from './java-properties.ts'
import { messageMaker } from './message.ts'
import type { SinkConfig } from './options.ts'
import { Positions } from './positions.ts'
import { parseTopic } from './topic-name.ts'

/** Records of one input partition, in order. */
interface Group {
  readonly topic: string
  readonly partition: number
  readonly records: Record[]
  readonly messages: OutgoingRecord[]
}

/** Writes records into Kafka topics; under EFFECTIVELY_ONCE in transactions that hold how far they go. */
export class KafkaSink implements BatchSink<SinkConfig> {
  readonly #connect: typeof openWriter
  #opened: Opened | undefined

  constructor(connect: typeof openWriter = openWriter) {
    this.#connect = connect
  }

  async open(config: SinkConfig, context: SinkContext): Promise<void> {
    const { logger, name } = context
    for (const message of notices(config)) logger.info(message)
    const properties = config.producerConfigProperties
    const settings = await connectionSettings(config, properties, name)
    const { fixed } = parseTopic(config.topic)
    const writer = await this.#connect(config, settings, fixed === undefined)
    const opened = new Opened(writer, config, context)
    this.#opened = opened
    if (fixed !== undefined) await writer.check(fixed)
    if (context.guarantee === 'EFFECTIVELY_ONCE') await opened.openPositions()
    logger.info(`connected to Kafka at ${settings.where.servers}`, { topic: config.topic })
  }

  async committed(): Promise<readonly PartitionCheckpoint[]> {
    return this.#get().committed()
  }

  async write(records: readonly Record[], batch: BatchInfo): Promise<readonly Outcome[] | void> {
    return this.#get().write(records, batch)
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.close()
  }

  #get(): Opened {
    if (!this.#opened) throw new Error('the sink is not open')
    return this.#opened
  }
}

/** What there is between `open` and `close`. */
class Opened {
  readonly #writer: Writer
  readonly #config: SinkConfig
  readonly #context: SinkContext
  readonly #make: ReturnType<typeof messageMaker>
  readonly #connector: string
  readonly #positions: Positions
  readonly #producers = new Map<string, Promise<TransactionalProducer>>()
  #log: PositionsLog | undefined

  constructor(writer: Writer, config: SinkConfig, context: SinkContext) {
    this.#writer = writer
    this.#config = config
    this.#context = context
    this.#make = messageMaker(config)
    this.#connector = `${context.tenant}/${context.namespace}/${context.name}`
    this.#positions = new Positions(this.#connector)
  }

  async openPositions(): Promise<void> {
    this.#log = await this.#writer.openPositions(this.#connector, this.#positions)
  }

  async committed(): Promise<readonly PartitionCheckpoint[]> {
    const log = this.#log
    if (!log) return []
    const { numInstances, signal } = this.#context
    await log.catchUp(signal)
    // Whoever had our name before may still be writing: from now on it can't, and what it left open is decided. With
    // several instances each partition is taken over when its first record comes, for it may be another's.
    if (numInstances === 1) {
      const left = log.undecided().flatMap(record => this.#positions.read(record) ?? [])
      const partitions = [...this.#positions.all, ...left]
      await Promise.all(partitions.map(({ topic, partition }) => this.#producer(topic, partition, signal)))
    }
    return this.#positions.all
  }

  async write(records: readonly Record[], batch: BatchInfo): Promise<readonly Outcome[] | void> {
    const outcomes = new Array<Outcome>(records.length).fill(undefined)
    const messages: OutgoingRecord[] = []
    let failed = false
    records.forEach((record, i) => {
      try {
        messages.push(this.#make(record, i))
      } catch (error) {
        if (!isConnectorError(error)) throw error
        outcomes[i] = error
        failed = true
      }
    })
    if (this.#log) {
      // All or nothing: what is wrong is named first, and the rest comes again without it.
      if (!failed) failed = await this.#transact(records, messages, outcomes, batch)
    } else if (messages.length > 0) {
      const failures = await this.#writer.write(messages, batch.signal)
      failed ||= failures.size > 0
      for (const [index, error] of failures) outcomes[index] = error
    }
    return failed ? outcomes : undefined
  }

  async close(): Promise<void> {
    this.#producers.clear()
    await this.#writer.close()
  }

  /** A transaction for each input partition, because each may come from another instance tomorrow. */
  async #transact(
    records: readonly Record[],
    messages: readonly OutgoingRecord[],
    outcomes: Outcome[],
    batch: BatchInfo,
  ): Promise<boolean> {
    const groups = groupsOf(records, messages)
    const results = await Promise.allSettled(groups.map(group => this.#transactGroup(group, batch)))
    let failed = false
    for (const result of results) {
      if (result.status === 'rejected') throw result.reason
      for (const [index, error] of result.value) {
        outcomes[index] = error
        failed = true
      }
    }
    return failed
  }

  async #transactGroup({ topic, partition, records, messages }: Group, { checkpoint, signal }: BatchInfo) {
    const producer = await this.#producer(topic, partition, signal)
    // An earlier holder of this partition may have got further than we knew when we opened.
    const known = this.#positions.of(topic, partition)?.position
    const fresh = known === undefined ? messages : messages.filter((_, i) => isBehind(records[i], known))
    if (fresh.length === 0) return new Map()
    const last = records.at(-1)
    const stored =
      checkpoint.find(each => each.topic === topic && each.partition === partition)?.position ?? last?.position
    if (stored === undefined) return new Map()
    const reached = { topic, partition, position: stored }
    const { key, value } = this.#positions.encode(reached)
    const failures = await producer.write(
      fresh,
      {
        topic: this.#config.positionsTopic,
        partition: this.#log?.partition ?? 0,
        key,
        value,
        headers: undefined,
        timestamp: Date.now(),
        index: -1,
        bytes: 100 + key.length + value.length,
      },
      signal,
    )
    if (failures.size === 0) this.#positions.note(reached)
    return failures
  }

  /** The producer that nobody but us may write this input partition's records with. */
  #producer(topic: string, partition: number, signal: AbortSignal): Promise<TransactionalProducer> {
    const key = `${topic} ${partition}`
    let producer = this.#producers.get(key)
    if (producer) return producer
    producer = this.#openProducer(topic, partition, signal)
    this.#producers.set(key, producer)
    // A failed one is made anew at the next try; who awaits it sees the error.
    producer.catch(() => this.#producers.delete(key))
    return producer
  }

  async #openProducer(topic: string, partition: number, signal: AbortSignal): Promise<TransactionalProducer> {
    const prefix = this.#config.producerConfigProperties['transactional.id'] ?? 'pulsar-io'
    const name = `${prefix}-${this.#connector}-${topic.replace(/^.*:\/\//, '')}-${partition}`
    const producer = await this.#writer.openTransactions(name, signal)
    // Only now does what the earlier holder wrote stand still.
    await this.#log?.catchUp(signal)
    return producer
  }
}

function groupsOf(records: readonly Record[], messages: readonly OutgoingRecord[]): Group[] {
  const groups = new Map<string, Group>()
  for (const message of messages) {
    const record = records[message.index]
    if (!record) continue
    const { topic, partition } = record
    const key = `${topic} ${partition}`
    let group = groups.get(key)
    if (!group) {
      group = { topic, partition, records: [], messages: [] }
      groups.set(key, group)
    }
    group.records.push(record)
    group.messages.push(message)
  }
  return [...groups.values()]
}

function isBehind(record: Record | undefined, known: Record['position']): boolean {
  return record !== undefined && comparePositions(record.position, known) > 0
}

function notices(config: SinkConfig): string[] {
  const properties = withoutEffect('producerConfigProperties', config.producerConfigProperties)
  return [
    ...(config.batchSize === 16_384 ? [] : ['batchSize has no effect: a batch is what waits, up to maxRequestSize']),
    ...(config.sslTruststorePassword === '' ? [] : ['sslTruststorePassword has no effect: PEM files have none']),
    ...(properties === undefined ? [] : [properties]),
  ]
}
