import { randomBytes } from 'node:crypto'
import type { AvailableService } from '@pulsar-io/tooling/services'
import { auth, Client, policies } from 'cassandra-driver'
import type { RawConfig } from './support.ts'

/** What a test does on a server past the connector, in a keyspace of its own. */
export class Server {
  readonly roots: string
  readonly keyspace = `test_${randomBytes(6).toString('hex')}`
  readonly #client: Client

  private constructor({ url, credentials }: Pick<AvailableService, 'url' | 'credentials'>) {
    this.roots = new URL(url).host
    this.#client = new Client({
      contactPoints: [this.roots],
      policies: {
        loadBalancing: new policies.loadBalancing.RoundRobinPolicy(),
        // Back before the sink is, where a test has ended the server.
        reconnection: new policies.reconnection.ConstantReconnectionPolicy(250),
      },
      encoding: { useBigIntAsLong: true, useBigIntAsVarint: true, map: Map, set: Set },
      ...(credentials
        ? { authProvider: new auth.PlainTextAuthProvider(credentials.username, credentials.password) }
        : {}),
    })
  }

  static async use(service: Pick<AvailableService, 'url' | 'credentials'>): Promise<Server> {
    const server = new Server(service)
    await server.query(
      `CREATE KEYSPACE ${server.keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    )
    return server
  }

  /** A new table; the options that lead to it. */
  async table(columns: string, name = `t_${randomBytes(4).toString('hex')}`): Promise<Table> {
    await this.query(`CREATE TABLE ${this.keyspace}.${name} (${columns})`)
    return {
      name,
      full: `${this.keyspace}.${name}`,
      config: { roots: this.roots, keyspace: this.keyspace, columnFamily: name },
    }
  }

  async query(cql: string, values: readonly unknown[] = []): Promise<{ readonly [column: string]: unknown }[]> {
    const { rows } = await this.#client.execute(cql, [...values], { prepare: values.length > 0, fetchSize: 200_000 })
    return (rows ?? []).map(row => Object.fromEntries(row.keys().map(name => [name, row.get(name) as unknown])))
  }

  async count({ full }: Table): Promise<number> {
    const [row] = await this.query(`SELECT count(*) AS n FROM ${full}`)
    return Number(row?.n)
  }

  async close(): Promise<void> {
    await this.query(`DROP KEYSPACE IF EXISTS ${this.keyspace}`)
    await this.#client.shutdown()
  }

  /** As {@link close}, for a server that may be gone. */
  async leave(): Promise<void> {
    await this.#client.shutdown()
  }
}

/** A table of a test. */
export interface Table {
  readonly name: string
  readonly full: string
  readonly config: RawConfig
}
