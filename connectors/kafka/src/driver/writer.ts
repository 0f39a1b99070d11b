import type { Settings } from '../connection.ts'
import { explain, forbidden, noTopic } from '../errors.ts'
import type { SinkConfig } from '../options.ts'
import { partitionOf } from '../partitioner.ts'
import { POSITIONS_TOPIC, type Positions } from '../positions.ts'
import { Client, MAY, type RawRecord } from './client.ts'
import { failureOf } from './failure.ts'
import { LogReader } from './log-reader.ts'
import { type Failures, type OutgoingRecord, Producer, type ProducerOptions } from './producer.ts'
import { Topics } from './topics.ts'
import { TransactionalProducer } from './transaction.ts'

/** All that the sink knows of a cluster. */
export interface Writer {
  /** Looks at start whether a topic is there, or may be made, and written to. Throws what stands in the way. */
  check(topic: string): Promise<void>
  /** Writes records; gives the errors of those that are not written. Rejects with a ConnectionError or AuthError. */
  write(records: readonly OutgoingRecord[], signal: AbortSignal): Promise<Failures>
  /** Finds the positions topic, or makes it. */
  openPositions(connector: string, positions: Positions): Promise<PositionsLog>
  /** Takes over the name of a transaction, and shuts out who had it. */
  openTransactions(name: string, signal: AbortSignal): Promise<TransactionalProducer>
  close(): Promise<void>
}

/** The part of the positions topic that holds one connector's. */
export interface PositionsLog {
  readonly partition: number
  /** Reads what has come since the last time. */
  catchUp(signal: AbortSignal): Promise<void>
  /** What transactions have written that are neither committed nor given up yet. */
  undecided(): readonly RawRecord[]
}

/** Connects, and checks the login. Throws a ConnectionError or AuthError. */
export async function openWriter(config: SinkConfig, settings: Settings, topicOfRecord: boolean): Promise<Writer> {
  const { where } = settings
  const client = new Client(settings)
  const topics = new Topics(client, settings.metadataMaxAgeMs, config.autoCreateTopic)
  const properties = config.producerConfigProperties
  const all = config.acks === 'all' || config.acks === '-1'
  const options: ProducerOptions = {
    acks: all ? -1 : Number(config.acks),
    compression: properties['compression.type'] ?? config.compressionType,
    maxBytes: config.maxRequestSize,
    idempotent: all && properties['enable.idempotence'] !== false,
    requestTimeoutMs: settings.requestTimeoutMs,
    retryWithinMs: config.retryWithin,
    topicOfRecord,
    mayCreate: config.autoCreateTopic,
    where,
  }
  const producer = new Producer(client, topics, options)
  try {
    await client.bootstrap()
  } catch (error) {
    await client.close()
    throw explain(error, 'be reached', where)
  }
  return {
    async check(topic) {
      try {
        const { topics: found, errors } = await client.refresh([topic], config.autoCreateTopic, true)
        const code = errors.get(topic) ?? ''
        const allowed = found.get(topic)?.allowed
        if (code === 'TOPIC_AUTHORIZATION_FAILED' || (allowed !== undefined && (allowed & MAY.write) === 0))
          throw forbidden('the topic', `write to topic ${topic}`, code || 'no right to write', where)
        if (found.has(topic)) return
      } catch (error) {
        if (failureOf(error).codes.length === 0 && (error as { code?: string }).code?.startsWith('PIO_')) throw error
        throw explain(error, 'tell of its topics', where)
      }
      const { topics: made } = await topics.find([topic])
      if (!made.has(topic)) throw noTopic(topic, where, config.autoCreateTopic)
    },
    async write(records, signal) {
      const { placed, failures } = await producer.place(records)
      if (placed.length === 0) return failures
      const refused = await producer.write(placed, signal)
      for (const [index, error] of failures) refused.set(index, error)
      return refused
    },
    async openPositions(connector, positions) {
      const topic = config.positionsTopic
      try {
        // Never made by asking for it: it has to be a compacted one.
        const quiet = new Topics(client, settings.metadataMaxAgeMs, false)
        let found = (await quiet.find([topic])).topics.get(topic)
        if (!found) {
          await createPositions(client, topic)
          found = (await new Topics(client, settings.metadataMaxAgeMs, true).find([topic])).topics.get(topic)
        }
        if (!found) throw noTopic(topic, where, false)
        const partition = partitionOf(Buffer.from(connector), found.leaders.length)
        const reader = new LogReader(client, quiet, topic, partition, record => positions.see(record))
        let reading: Promise<void> = Promise.resolve()
        const catchUp = (signal: AbortSignal): Promise<void> => {
          // One at a time; who comes later wants what is there then.
          reading = reading.then(
            () => reader.catchUp(signal),
            () => reader.catchUp(signal),
          )
          return reading.catch(error => {
            throw explain(error, `read topic ${topic}`, where)
          })
        }
        return { partition, catchUp, undecided: () => reader.undecided }
      } catch (error) {
        if ((error as { code?: string }).code?.startsWith('PIO_')) throw error
        throw explain(error, `make topic ${topic}, which EFFECTIVELY_ONCE needs`, where)
      }
    },
    openTransactions: (name, signal) =>
      TransactionalProducer.open(client, topics, options, name, properties['transaction.timeout.ms'] ?? 60_000, signal),
    close: () => client.close(),
  }
}

async function createPositions(client: Client, name: string): Promise<void> {
  const connection = await client.bootstrap()
  const topic = {
    name,
    numPartitions: POSITIONS_TOPIC.partitions,
    // The servers' own default.
    replicationFactor: -1,
    assignments: [],
    configs: POSITIONS_TOPIC.configs,
  }
  try {
    await client.call(connection, 'CreateTopics', [topic], 10_000, false)
  } catch (error) {
    // Another instance was quicker.
    if (!failureOf(error).codes.includes('TOPIC_ALREADY_EXISTS')) throw error
  }
}
