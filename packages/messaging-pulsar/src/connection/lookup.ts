import { namedError, notFoundError, ServerFailure } from '../errors.ts'
import type { CommandOutput } from '../wire/commands.ts'
import { LOOKUP_TYPES } from '../wire/enums.ts'
import type { Connection } from './connection.ts'
import type { BrokerAddress, ConnectionPool } from './pool.ts'

const MAX_REDIRECTS = 20

/** Finds out who serves a topic, and how many partitions it has. */
export interface Lookup {
  /** Where a topic (one partition) is served. */
  broker(topic: string): Promise<BrokerAddress>
  /** Partitions of a topic; 0 for one without. `create` lets the broker make the topic as its configuration says. */
  partitions(topic: string, create: boolean): Promise<number>
}

/** Lookup over the binary protocol. */
export class BinaryLookup implements Lookup {
  private readonly pool: ConnectionPool
  private readonly listenerName: string | undefined

  constructor(pool: ConnectionPool, listenerName: string | undefined) {
    this.pool = pool
    this.listenerName = listenerName
  }

  async broker(topic: string): Promise<BrokerAddress> {
    const action = `looking up ${topic}`
    try {
      let { connection, address } = await this.pool.service()
      let authoritative = false
      for (let i = 0; i < MAX_REDIRECTS; i += 1) {
        const answer: CommandOutput<'lookupTopicResponse'> = await connection.request(
          'lookupTopic',
          {
            topic,
            authoritative,
            ...(this.listenerName === undefined ? {} : { advertisedListenerName: this.listenerName }),
          },
          'lookupTopicResponse',
          action,
        )
        if (answer.response === LOOKUP_TYPES.Failed || answer.response === undefined) {
          throw new ServerFailure(answer.error ?? 0, answer.message ?? '')
        }
        const broker = this.hostOf(answer.brokerServiceUrl, answer.brokerServiceUrlTls)
        const target = { broker, via: answer.proxyThroughServiceUrl === true ? address : broker }
        if (answer.response === LOOKUP_TYPES.Connect) return target
        authoritative = answer.authoritative ?? false
        connection = await this.pool.get(target)
        address = target.via
      }
      throw new Error(`more than ${MAX_REDIRECTS} redirects`)
    } catch (error) {
      throw namedError(error, { action, topic })
    }
  }

  async partitions(topic: string, create: boolean): Promise<number> {
    const action = `asking for the partitions of ${topic}`
    try {
      const { connection } = await this.pool.service()
      return await askPartitions(connection, topic, create, action)
    } catch (error) {
      // With automatic creation off, a topic that is not there is an error of the broker.
      if (error instanceof ServerFailure && error.error === 'TopicNotFound' && !create) throw notFoundError(topic)
      throw namedError(error, { action, topic })
    }
  }

  private hostOf(plain: string | undefined, tls: string | undefined): string {
    const url = this.pool.settings.secure ? tls : plain
    if (!url) {
      throw new Error(
        this.pool.settings.secure
          ? 'the broker that serves it listens without TLS only; use pulsar:// or switch TLS on there'
          : 'the broker that serves it listens with TLS only; use pulsar+ssl://',
      )
    }
    return url.replace(/^[a-z+]+:\/\//, '').replace(/\/$/, '')
  }
}

async function askPartitions(connection: Connection, topic: string, create: boolean, action: string): Promise<number> {
  const canAskOnly = connection.features?.supportsGetPartitionedMetadataWithoutAutoCreation === true
  const answer = await connection.request(
    'partitionMetadata',
    { topic, ...(create || !canAskOnly ? {} : { metadataAutoCreationEnabled: false }) },
    'partitionMetadataResponse',
    action,
  )
  if (answer.response === 1 || answer.error !== undefined) {
    throw new ServerFailure(answer.error ?? 0, answer.message ?? '')
  }
  return answer.partitions ?? 0
}
