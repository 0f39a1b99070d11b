import { isIP } from 'node:net'
import {
  Base,
  type Connection,
  kGetApi,
  kGetBootstrapConnection,
  kGetConnection,
  protocolErrorsCodesById,
} from '@platformatic/kafka'
import type { Settings } from '../connection.ts'
import { answerIn } from './failure.ts'

export type { Connection }

type Done<T> = (error: Error | null, value?: T) => void
type Api<T> = ((connection: Connection, ...args: readonly unknown[]) => void) & {
  readonly version: number
  readonly answers?: T
}

/** A request that this connector makes, and what of the answer it looks at. */
export interface Calls {
  Metadata: {
    readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
    readonly topics: readonly {
      readonly errorCode: number
      readonly name: string | null
      readonly topicId: string
      readonly isInternal: boolean
      readonly topicAuthorizedOperations?: number
      readonly partitions: readonly { readonly partitionIndex: number; readonly leaderId: number }[]
    }[]
  }
  FindCoordinator: { readonly coordinators: readonly { readonly nodeId: number; readonly errorCode: number }[] }
  CreateTopics: object
  ListOffsets: {
    readonly topics: readonly {
      readonly partitions: readonly {
        readonly partitionIndex: number
        readonly offset: bigint
        readonly errorCode: number
      }[]
    }[]
  }
  OffsetFetch: {
    readonly groups: readonly {
      readonly topics: readonly {
        readonly name: string
        readonly partitions: readonly {
          readonly partitionIndex: number
          readonly committedOffset: bigint
          readonly errorCode: number
        }[]
      }[]
    }[]
  }
  OffsetCommit: object
  InitProducerId: { readonly producerId: bigint; readonly producerEpoch: number }
  EndTxn: object
  Produce: {
    readonly responses?: readonly {
      readonly name: string
      readonly partitionResponses: readonly {
        readonly index: number
        readonly errorCode: number
        readonly errorMessage?: string | null
        readonly recordErrors?: readonly {
          readonly batchIndex: number
          readonly batchIndexErrorMessage: string | null
        }[]
      }[]
    }[]
  }
  Fetch: {
    readonly responses: readonly {
      readonly topicId: string
      readonly partitions: readonly FetchedPartition[]
    }[]
  }
}

/** What a server answered for one partition. */
export interface FetchedPartition {
  readonly partitionIndex: number
  readonly errorCode: number
  readonly highWatermark: bigint
  readonly logStartOffset: bigint
  readonly abortedTransactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null
  readonly records: readonly RecordBatch[] | null
}

export interface RecordBatch {
  readonly firstOffset: bigint
  readonly lastOffsetDelta: number
  readonly attributes: number
  readonly firstTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly producerId: bigint
  readonly records: readonly RawRecord[]
}

export interface RawRecord {
  readonly offsetDelta: number
  readonly timestampDelta: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[]
}

/** What is known of a topic. */
export interface TopicInfo {
  readonly id: string
  /** Node of the leader by partition; -1 while there is none. */
  readonly leaders: readonly number[]
  /** Bits of what we may do, where that was asked for and the server tells. */
  readonly allowed: number | undefined
}

/** Bits of {@link TopicInfo.allowed}; the numbers of org.apache.kafka.common.acl.AclOperation. */
export const MAY = { read: 1 << 3, write: 1 << 4 } as const

/** What a server says that was not asked for, or does not know, what we may do. */
const UNTOLD = -(2 ** 31)

/** What kind of coordinator to ask for. */
export const COORDINATOR = { group: 0, transaction: 1 } as const

/** Connections to a cluster, and requests in the forms that both sides know. Rejects with the driver's errors. */
export class Client {
  readonly #base: Base
  #brokers = new Map<number, { host: string; port: number }>()
  #closed = false

  constructor(settings: Settings, purpose = '') {
    this.#base = new Base({
      clientId: settings.clientId + purpose,
      bootstrapBrokers: settings.servers.map(server => ({ ...server })),
      connectTimeout: settings.connectTimeoutMs,
      requestTimeout: settings.requestTimeoutMs,
      // Tries again what may succeed, and says when: here, and in the runtime.
      retries: 0,
      ...driverOptions(settings),
    })
  }

  /** A connection to any server that answers. */
  bootstrap(): Promise<Connection> {
    return this.#ask(done => this.#base[kGetBootstrapConnection](done as never))
  }

  /** A connection to one server. */
  async connection(node: number): Promise<Connection> {
    const broker = this.#brokers.get(node)
    if (!broker) await this.refresh([], false)
    const found = broker ?? this.#brokers.get(node)
    if (!found) throw new Error(`server ${node} is not known to the cluster`)
    return this.#ask(done => this.#base[kGetConnection](found, done as never))
  }

  /** Sends a request. Where a part of the answer is an error the promise rejects; {@link answerIn} gives the rest. */
  async call<N extends keyof Calls>(connection: Connection, name: N, ...args: readonly unknown[]): Promise<Calls[N]> {
    const api = await this.api(name)
    return this.send(connection, api, ...args)
  }

  /** The newest form of a request that both sides know. */
  api<N extends keyof Calls>(name: N): Promise<Api<Calls[N]>> {
    return this.#ask(done => this.#base[kGetApi](name, done as never))
  }

  send<T>(connection: Connection, api: Api<T>, ...args: readonly unknown[]): Promise<T> {
    return this.#ask(done => api(connection, ...args, done))
  }

  /**
   * Asks for topics (undefined: all of them) and where they are. A topic that is not there is missing in the answer;
   * `errors` holds the code of each that cannot be told of.
   */
  async refresh(
    topics: readonly string[] | undefined,
    create: boolean,
    rights = false,
  ): Promise<{ readonly topics: Map<string, TopicInfo>; readonly errors: Map<string, string> }> {
    const connection = await this.bootstrap()
    let answer: Calls['Metadata']
    try {
      answer = await this.call(connection, 'Metadata', topics ?? null, create, rights)
    } catch (error) {
      const partial = answerIn<Calls['Metadata']>(error)
      if (!partial?.brokers) throw error
      answer = partial
    }
    this.#brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    const found = new Map<string, TopicInfo>()
    const errors = new Map<string, string>()
    for (const { name, errorCode, topicId, isInternal, partitions, topicAuthorizedOperations: bits } of answer.topics) {
      if (name === null || (topics === undefined && isInternal)) continue
      if (errorCode !== 0) errors.set(name, codeName(errorCode))
      else {
        const leaders: number[] = []
        for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId
        found.set(name, {
          id: topicId || name,
          leaders,
          allowed: bits === undefined || bits === UNTOLD ? undefined : bits,
        })
      }
    }
    return { topics: found, errors }
  }

  /** The server that looks after a group or a transactional id. */
  async coordinator(kind: keyof typeof COORDINATOR, key: string): Promise<Connection> {
    const connection = await this.bootstrap()
    const { coordinators } = await this.call(connection, 'FindCoordinator', COORDINATOR[kind], [key])
    const [found] = coordinators
    if (!found) throw new Error(`the cluster names no coordinator for ${key}`)
    return this.connection(found.nodeId)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#base.close()
  }

  #ask<T>(work: (done: Done<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => work((error, value) => (error ? reject(error) : resolve(value as T))))
  }
}

/** The driver's words for TLS and login. */
export function driverOptions({ tls, login, rack, servers }: Settings): object {
  return {
    // The name for SNI, which must not be an address (RFC 6066).
    ...(tls ? { tls: { ...tls }, tlsServerName: servers.every(({ host }) => isIP(host) === 0) } : {}),
    ...(login ? { sasl: { ...login } } : {}),
    ...(rack === undefined ? {} : { clientRack: rack }),
  }
}

/** The name of an error code, for example `NOT_LEADER_OR_FOLLOWER`. */
export function codeName(code: number): string {
  return (protocolErrorsCodesById as { readonly [code: number]: string })[code] ?? `error ${code}`
}
