import type { Settings } from '../connection.ts'
import { explain, forbidden, noTopic } from '../errors.ts'
import type { SourceConfig } from '../options.ts'
import type { Start } from '../start-from.ts'
import { Client, MAY, type TopicInfo } from './client.ts'
import { type FetchEvents, Fetcher, type Reading } from './fetcher.ts'
import { Group, type TopicPartition } from './group.ts'
import { Topics } from './topics.ts'

const EARLIEST = -2n
const LATEST = -1n

/** All that the source knows of a cluster. */
export interface Reader {
  readonly group: Group
  /** Looks whether topics are there and may be read. Throws what stands in the way. */
  check(topics: readonly string[]): Promise<ReadonlyMap<string, TopicInfo>>
  /** Topics whose whole name matches. */
  matching(pattern: RegExp): Promise<ReadonlyMap<string, TopicInfo>>
  /** The offset that a place stands for. */
  resolve(at: TopicPartition, start: Start): Promise<bigint>
  fetcher<R extends Reading>(events: FetchEvents<R>): Fetcher<R>
  close(): Promise<void>
}

/** Whether records of transactions that were given up are left out. */
export function committedOnly({ isolationLevel, consumerConfigProperties }: SourceConfig): boolean {
  return (consumerConfigProperties['isolation.level'] ?? isolationLevel) === 'read_committed'
}

/** Connects, and checks the login. Throws a ConnectionError or AuthError. */
export async function openReader(config: SourceConfig, settings: Settings, instance: number): Promise<Reader> {
  const { where } = settings
  const properties = config.consumerConfigProperties
  const mayCreate = properties['allow.auto.create.topics'] ?? true
  const client = new Client(settings)
  // A long wait for records would hold up whatever is asked on the same connection.
  const fetching = new Client(settings, '-fetch')
  const topics = new Topics(client, settings.metadataMaxAgeMs, false)
  const staticMember = properties['group.instance.id']
  const group = new Group(client, settings, {
    groupId: config.groupId,
    instanceId: staticMember === undefined ? undefined : `${staticMember}-${instance}`,
    sessionTimeoutMs: config.sessionTimeoutMs,
    heartbeatIntervalMs: config.heartbeatIntervalMs,
    rebalanceTimeoutMs: properties['max.poll.interval.ms'] ?? 60_000,
  })
  const close = async () => {
    await group.close()
    await Promise.all([client.close(), fetching.close()])
  }
  try {
    await client.bootstrap()
  } catch (error) {
    await close()
    throw explain(error, 'be reached', where)
  }
  const ask = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw explain(error, what, where)
    }
  }
  return {
    group,
    async check(names) {
      const { topics: found, errors } = await ask('tell of its topics', () => client.refresh(names, mayCreate, true))
      for (const name of names) {
        const code = errors.get(name) ?? ''
        const allowed = found.get(name)?.allowed
        if (code === 'TOPIC_AUTHORIZATION_FAILED' || (allowed !== undefined && (allowed & MAY.read) === 0))
          throw forbidden('the topic', `read topic ${name}`, code || 'no right to read', where)
      }
      // One that is just being made is waited for.
      const making = new Topics(client, settings.metadataMaxAgeMs, mayCreate)
      const all = names.every(name => found.has(name))
        ? found
        : (await ask('tell of its topics', () => making.find(names))).topics
      const missing = names.find(name => !all.has(name))
      if (missing !== undefined) throw noTopic(missing, where, mayCreate)
      return all
    },
    async matching(pattern) {
      const { topics: all } = await ask('list its topics', () => client.refresh(undefined, false))
      return new Map([...all].filter(([name]) => pattern.test(name)))
    },
    resolve: (at, start) => ask(`tell offsets of topic ${at.topic}`, () => resolve(client, topics, at, start)),
    fetcher: events =>
      new Fetcher(
        fetching,
        new Topics(fetching, settings.metadataMaxAgeMs, false),
        {
          committedOnly: committedOnly(config),
          minBytes: config.fetchMinBytes,
          maxWaitMs: properties['fetch.max.wait.ms'] ?? 500,
          maxBytes: properties['fetch.max.bytes'] ?? 4 * 1024 * 1024,
          maxPartitionBytes: properties['max.partition.fetch.bytes'] ?? 1024 * 1024,
          rack: settings.rack ?? '',
          retryWithinMs: 5000,
          where,
        },
        events,
      ),
    close,
  }
}

async function resolve(
  client: Client,
  topics: Topics,
  { topic, partition }: TopicPartition,
  start: Start,
): Promise<bigint> {
  if (start.kind === 'offset') return start.offset
  const timestamp = start.kind === 'time' ? BigInt(start.time) : start.kind === 'earliest' ? EARLIEST : LATEST
  for (let left = 5; ; left--) {
    try {
      const { topics: found } = await topics.find([topic])
      const connection = await client.connection(found.get(topic)?.leaders[partition] ?? -1)
      const wanted = [{ name: topic, partitions: [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp }] }]
      const { topics: answer } = await client.call(connection, 'ListOffsets', -1, 0, wanted)
      const offset = answer[0]?.partitions[0]?.offset ?? -1n
      // Nothing is that new yet: what comes next is.
      return offset < 0n && start.kind === 'time'
        ? resolve(client, topics, { topic, partition }, { kind: 'latest' })
        : offset
    } catch (error) {
      if (left <= 1) throw error
      topics.forget([topic])
      await new Promise(done => setTimeout(done, 200))
    }
  }
}
