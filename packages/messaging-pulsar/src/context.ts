import type { AdminClient } from './admin/admin-client.ts'
import type { Connection } from './connection/connection.ts'
import type { Lookup } from './connection/lookup.ts'
import type { ConnectionPool } from './connection/pool.ts'
import type { BufferPool } from './producer/buffer-pool.ts'
import type { SchemaCache } from './schemas.ts'

/** What producers, consumers and readers of one client share. */
export interface ClientContext {
  readonly pool: ConnectionPool
  readonly admin: AdminClient
  readonly lookup: Lookup
  /** A connection to any broker of the cluster; the topic helps to find one. */
  readonly anyBroker: (topic: string) => Promise<Connection>
  readonly schemas: SchemaCache
  readonly buffers: BufferPool
  /** Milliseconds that opening something may take, with its retries. */
  readonly operationTimeoutMs: number
  /** A number that no other producer, consumer or watcher of this client has. */
  readonly nextId: () => number
  /** Hears of failures in the background. */
  readonly report: (error: unknown) => void
}

/** A connection to whoever serves a topic now. */
export async function connectionTo(context: ClientContext, topic: string): Promise<Connection> {
  return context.pool.get(await context.lookup.broker(topic))
}
