import { Client as Elasticsearch } from '@elastic/elasticsearch'
import { Admin as KafkaAdmin } from '@platformatic/kafka'
import { connect as connectRabbit } from 'amqplib'
import { Client as Cassandra } from 'cassandra-driver'
import pg from 'pg'
import type { AvailableService } from '../services/index.ts'

/** One external system, where each run gets a place of its own: an index, a table, a queue. */
export interface Target {
  create(place: string): Promise<void>
  /** Options of the sink. Pulsar's and ours have the same names. */
  configs(place: string): object
  /** Removes it. @throws when it does not hold so many records. */
  drop(place: string, records: number): Promise<void>
  close(): Promise<void>
}

/** What a sink of Pulsar's and one of ours do alike. */
export interface SinkWork {
  readonly title: string
  readonly service: 'elasticsearch' | 'postgresql' | 'kafka' | 'rabbitmq' | 'cassandra'
  /** The artifact `pulsar-io-…` of Apache Pulsar. */
  readonly java: string
  /** Our archive. */
  readonly ours: string
  /** What Pulsar's needs more of memory than its local runner has by default. */
  readonly heap?: string
  connect(server: AvailableService): Promise<Target>
}

export const sinkWorks: readonly SinkWork[] = [
  {
    title: 'Elasticsearch sink',
    service: 'elasticsearch',
    java: 'elastic-search',
    ours: 'elasticsearch',
    connect: search,
  },
  // It takes in all that waits, whether or not the database keeps up.
  {
    title: 'PostgreSQL sink',
    heap: '512m',
    service: 'postgresql',
    java: 'jdbc-postgres',
    ours: 'timescaledb',
    connect: postgres,
  },
  { title: 'Kafka sink', service: 'kafka', java: 'kafka', ours: 'kafka', connect: kafka },
  { title: 'RabbitMQ sink', service: 'rabbitmq', java: 'rabbitmq', ours: 'rabbitmq', connect: rabbit },
  { title: 'Cassandra sink', service: 'cassandra', java: 'cassandra', ours: 'cassandra', connect: cassandra },
]

function expectCount(place: string, found: number, records: number): void {
  if (found < records) throw new Error(`${place} holds ${found} of ${records} records`)
}

async function search({ url }: AvailableService): Promise<Target> {
  const client = new Elasticsearch({ node: url })
  return {
    create: async index => {
      await client.indices.create({ index, settings: { number_of_replicas: 0, refresh_interval: '-1' } })
    },
    configs: indexName => ({ elasticSearchUrl: url, indexName, bulkEnabled: true, bulkActions: 1000 }),
    drop: async (index, records) => {
      await client.indices.refresh({ index })
      expectCount(index, (await client.count({ index })).count, records)
      await client.indices.delete({ index })
    },
    close: () => client.close(),
  }
}

async function postgres({ url, credentials }: AvailableService): Promise<Target> {
  const { hostname: host, port } = new URL(url)
  const { username: user = 'postgres', password = '' } = credentials ?? {}
  const client = new pg.Client({ host, port: Number(port), user, password, database: 'postgres' })
  await client.connect()
  return {
    create: async table => {
      await client.query(`CREATE TABLE ${table} (id int, name text, active boolean, score double precision, note text)`)
    },
    configs: tableName => ({
      jdbcUrl: `jdbc:postgresql://${host}:${port}/postgres`,
      ...{ userName: user, password, tableName, batchSize: 1000 },
    }),
    drop: async (table, records) => {
      const { rows } = await client.query(`SELECT count(*) FROM ${table}`)
      expectCount(table, Number(rows[0].count), records)
      await client.query(`DROP TABLE ${table}`)
    },
    close: () => client.end(),
  }
}

async function kafka({ url }: AvailableService): Promise<Target> {
  const bootstrapServers = url.replace(/^.*:\/\//, '')
  const admin = new KafkaAdmin({ clientId: 'bench', bootstrapBrokers: [bootstrapServers] })
  return {
    create: async topic => {
      await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 })
    },
    configs: topic => ({ bootstrapServers, topic, acks: 'all' }),
    drop: async (name, records) => {
      const partitions = [{ partitionIndex: 0, timestamp: -1n }]
      const [found] = await admin.listOffsets({ topics: [{ name, partitions }] })
      expectCount(name, Number(found?.partitions[0]?.offset ?? 0), records)
      await admin.deleteTopics({ topics: [name] })
    },
    close: () => admin.close(),
  }
}

async function rabbit({ url, credentials }: AvailableService): Promise<Target> {
  const { hostname, port } = new URL(url)
  const { username = 'guest', password = 'guest' } = credentials ?? {}
  const model = await connectRabbit({ hostname, port: Number(port), username, password })
  const channel = await model.createChannel()
  return {
    create: async name => {
      await channel.assertExchange(name, 'topic', { durable: true })
      await channel.assertQueue(name, { durable: true })
      await channel.bindQueue(name, name, '#')
    },
    configs: exchangeName => ({
      ...{ connectionName: exchangeName, host: hostname, port: Number(port), virtualHost: '/', username, password },
      ...{ exchangeName, exchangeType: 'topic', routingKey: 'record' },
    }),
    drop: async (name, records) => {
      // Pulsar's sink waits for no confirm: what it sent last may still be on its way.
      const until = Date.now() + 10_000
      while ((await channel.checkQueue(name)).messageCount < records && Date.now() < until) await later(50)
      expectCount(name, (await channel.checkQueue(name)).messageCount, records)
      await channel.deleteQueue(name)
      await channel.deleteExchange(name)
    },
    close: () => model.close(),
  }
}

async function cassandra({ url }: AvailableService): Promise<Target> {
  const roots = url.replace(/^.*:\/\//, '')
  const client = new Cassandra({ contactPoints: [roots], localDataCenter: 'datacenter1' })
  const keyspace = `bench_java_${process.pid}`
  await client.execute(
    `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
  )
  return {
    create: async table => {
      await client.execute(`CREATE TABLE ${keyspace}.${table} (key text PRIMARY KEY, col text)`)
    },
    configs: columnFamily => ({ roots, keyspace, columnFamily, keyname: 'key', columnName: 'col' }),
    drop: async (table, records) => {
      const options = { readTimeout: 120_000 }
      const { rows } = await client.execute(`SELECT count(*) FROM ${keyspace}.${table}`, [], options)
      expectCount(table, Number(rows[0]?.count), records)
      await client.execute(`DROP TABLE ${keyspace}.${table}`)
    },
    close: async () => {
      await client.execute(`DROP KEYSPACE ${keyspace}`)
      await client.shutdown()
    },
  }
}

const later = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
