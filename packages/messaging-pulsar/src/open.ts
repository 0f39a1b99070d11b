import { AdminClient } from './admin/admin-client.ts'
import { HttpLookup } from './admin/http-lookup.ts'
import { PulsarTopics } from './admin/topics.ts'
import { PulsarClient } from './client.ts'
import { BinaryLookup, type Lookup } from './connection/lookup.ts'
import { ConnectionPool } from './connection/pool.ts'
import { adminUrls, parseServiceUrl } from './connection/service-url.ts'
import { connectionOptions } from './connection/tls-options.ts'
import { type ClientContext, connectionTo } from './context.ts'
import type { PulsarOptions } from './options.ts'
import { BufferPool } from './producer/buffer-pool.ts'
import { SchemaCache } from './schemas.ts'

const CLIENT_VERSION = 'Pulsar IO for Node.js'

/**
 * A client of a Pulsar cluster, connected: rejects with `PIO_PULSAR_UNREACHABLE` when no broker answers, with
 * `PIO_PULSAR_AUTHENTICATION` when it refuses the credentials, with a ConfigError (`PIO_PULSAR_URL`) for an address
 * that is none.
 */
export async function openPulsar(options: PulsarOptions): Promise<PulsarClient> {
  const service = parseServiceUrl(options.serviceUrl)
  const { authentication, logger } = options
  const operationTimeoutMs = options.operationTimeoutMs ?? 30_000
  const report = (error: unknown) => {
    logger?.warn(error instanceof Error ? error.message : String(error))
  }
  const tls = (host: string) => connectionOptions({ ...options.tls, ...authentication?.tls }, host)
  const pool = new ConnectionPool({
    hosts: service.hosts,
    secure: service.secure,
    authentication,
    tls,
    mapAddress: options.mapAddress,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    requestTimeoutMs: operationTimeoutMs,
    keepAliveMs: options.keepAliveMs ?? 30_000,
    clientVersion: CLIENT_VERSION,
    report,
  })
  const admin = new AdminClient({
    urls: options.adminUrl === undefined ? adminUrls(service) : options.adminUrl.split(',').map(url => url.trim()),
    authentication,
    tls,
    timeoutMs: operationTimeoutMs,
  })
  const lookup: Lookup = service.http
    ? new HttpLookup(admin, service.secure, options.listenerName)
    : new BinaryLookup(pool, options.listenerName)
  let ids = 0
  const context: ClientContext = {
    pool,
    admin,
    lookup,
    anyBroker: async topic => (service.http ? connectionTo(context, topic) : (await pool.service()).connection),
    schemas: new SchemaCache(topic => context.anyBroker(topic)),
    buffers: new BufferPool(),
    operationTimeoutMs,
    nextId: () => ids++,
    report,
  }
  // A wrong address or token shows now, not with the first message. Over HTTP, there is no topic to ask for yet.
  if (!service.http) await pool.service()
  return new PulsarClient(context, new PulsarTopics(admin), options)
}
