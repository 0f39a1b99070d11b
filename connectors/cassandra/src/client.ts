import { ConnectionError, isConnectorError } from '@pulsar-io/sdk'
import { auth, Client, policies, types } from 'cassandra-driver'
import { DatacenterPolicy } from './datacenter.ts'
import { driverError } from './errors.ts'
import type { Config } from './options.ts'
import { contactPoints } from './roots.ts'
import type { TlsSettings } from './tls.ts'

/** A prepared statement with its values as bytes; null is CQL's null, undefined leaves the column alone. */
export interface Statement {
  readonly cql: string
  readonly values: readonly (Buffer | null | undefined)[]
}

/** A row of an answer. */
export type Row = { readonly [column: string]: unknown }

/** The vendor's driver, cut down to what the connector needs. Rejects with errors of the SDK. */
export interface Session {
  /** For the log, for example `Cassandra 5.0.9, datacenter dc1, 3 nodes`. */
  readonly title: string
  readonly datacenter: string
  /** Asks for rows, or changes the schema; not for records. */
  query(cql: string, values?: readonly string[]): Promise<readonly Row[]>
  /** Does one statement, or several of one partition as an unlogged batch. */
  run(statements: readonly [Statement, ...Statement[]]): Promise<void>
  close(): Promise<void>
}

/** Told when no node of the datacenter answers any more, and when one does again. */
export interface Watcher {
  lost(reason: string): void
  back(): void
}

/**
 * Connects. Throws a ConnectionError, an AuthError, or a ConfigError where there are several datacenters to choose
 * from. Gives up when the signal aborts.
 */
export async function openSession(
  config: Config,
  tls: TlsSettings | undefined,
  watcher: Watcher,
  signal: AbortSignal,
): Promise<Session> {
  const policy = new DatacenterPolicy(config.localDatacenter)
  const client = new Client(options(config, tls, policy))
  const shutdown = async (): Promise<void> => {
    client.removeAllListeners('hostDown')
    client.removeAllListeners('hostUp')
    await client.shutdown()
  }
  const connecting = client.connect()
  try {
    await orAbort(connecting, signal)
  } catch (error) {
    // Whoever stops does not wait for a server that keeps silent. The driver can only be ended once it is connected.
    if (signal.aborted) connecting.then(shutdown).catch(() => undefined)
    else await shutdown()
    throw driverError(error, config)
  }
  watch(client, policy, watcher)
  // One for all rows.
  const explain = (error: unknown): never => {
    throw driverError(error, config)
  }
  return {
    title: title(client, policy),
    datacenter: policy.datacenter,
    query: async (cql, values = []) => {
      try {
        const { rows } = await client.execute(cql, [...values], { ...QUERY, prepare: values.length > 0 })
        return rows ?? []
      } catch (error) {
        throw queryError(driverError(error, config))
      }
    },
    run: statements => {
      const [{ cql, values }] = statements
      const running =
        statements.length === 1
          ? client.execute(cql, values as unknown[], PREPARED)
          : client.batch(statements.map(asQuery), BATCHED)
      return running.then(nothing, explain)
    },
    close: shutdown,
  }
}

/** Each node knows the schema, so one is enough to ask. */
const QUERY = { consistency: types.consistencies.one, isIdempotent: true }
/** Without a size of pages, as there are no rows to be had: one thing less that each request has to say. */
const PREPARED = { prepare: true, isIdempotent: true, fetchSize: 0 }
const BATCHED = { ...PREPARED, logged: false }
const nothing = (): void => undefined
const asQuery = ({ cql, values }: Statement) => ({ query: cql, params: values as unknown[] })

/** What a failed question means: no record is to blame, and asking again means to connect again. */
function queryError(error: Error): Error {
  if (!isConnectorError(error) || error.retry !== 'retry') return error
  return new ConnectionError(error.message, { code: error.code, cause: error })
}

function options(config: Config, tls: TlsSettings | undefined, policy: DatacenterPolicy) {
  const { userName, password, requestTimeoutInMs, speculativeExecutionDelay: delay } = config
  const speculative = policies.speculativeExecution
  return {
    contactPoints: contactPoints(config.roots),
    pooling: { heartBeatInterval: 10_000 },
    socketOptions: { connectTimeout: config.connectTimeoutInMs, readTimeout: requestTimeoutInMs },
    queryOptions: { consistency: types.consistencies[CONSISTENCIES[config.consistency]], captureStackTrace: false },
    policies: {
      loadBalancing: policy,
      reconnection: new policies.reconnection.ExponentialReconnectionPolicy(500, 30_000),
      speculativeExecution:
        delay > 0
          ? new speculative.ConstantSpeculativeExecutionPolicy(delay, config.speculativeExecutions)
          : new speculative.NoSpeculativeExecutionPolicy(),
      // Each statement says its own time, so the driver need not add one; its types do not know of the null.
      timestampGeneration: null as never,
    },
    // The connector asks for the one table that it writes to; the driver need not know all the others.
    isMetadataSyncEnabled: false,
    // Sends a report about the application to servers that ask for it.
    monitorReporting: { enabled: false },
    ...(userName === '' ? {} : { authProvider: new auth.PlainTextAuthProvider(userName, password) }),
    ...(tls ? { sslOptions: tls } : {}),
  }
}

const CONSISTENCIES = {
  ANY: 'any',
  ONE: 'one',
  TWO: 'two',
  THREE: 'three',
  QUORUM: 'quorum',
  ALL: 'all',
  LOCAL_QUORUM: 'localQuorum',
  EACH_QUORUM: 'eachQuorum',
  LOCAL_ONE: 'localOne',
} as const satisfies { readonly [level in Config['consistency']]: keyof typeof types.consistencies }

function watch(client: Client, policy: DatacenterPolicy, watcher: Watcher): void {
  let lost = false
  const look = (host: { readonly address: string }) => {
    const local = client.hosts.values().filter(each => each.datacenter === policy.datacenter)
    const away = local.length > 0 && !local.some(each => each.isUp())
    if (away === lost) return
    lost = away
    if (away) watcher.lost(`no node of datacenter ${policy.datacenter} answers any more; the last was ${host.address}`)
    else watcher.back()
  }
  client.on('hostDown', look)
  client.on('hostUp', look)
}

function title(client: Client, { datacenter }: DatacenterPolicy): string {
  const local = client.hosts.values().filter(host => host.datacenter === datacenter)
  const versions = [...new Set(local.map(host => host.cassandraVersion))].join(', ')
  return `Cassandra ${versions}, datacenter ${datacenter}, ${local.length} ${local.length === 1 ? 'node' : 'nodes'}`
}

/** The promise, or an error as soon as the signal aborts. */
async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new Error('told to stop before the connection was made'))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
