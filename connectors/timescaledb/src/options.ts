import { boolean, duration, integer, secret, stringList } from '@pulsar-io/sdk'
import * as z from 'zod'
import { problemsIn } from './rules.ts'

const text = () => z.string({ error: 'must be a text' })
const list = () => stringList().default([])

const connection = z.strictObject({
  host: text().default('localhost').meta({
    description: 'Host, or several separated by commas (host:port where ports differ): the first that takes writes.',
  }),
  port: integer({ min: 1, max: 65535 }).default(5432).meta({ description: 'Port.' }),
  database: text().default('').meta({ description: 'Database; the default is the one named like the user.' }),
  user: text().default('').meta({ description: 'User. userName is the same.' }),
  password: secret().default('').meta({ description: 'Password of the user.' }),
})

const ssl = z.strictObject({
  mode: z.enum(['disable', 'prefer', 'require', 'verify-ca', 'verify-full']).default('prefer').meta({
    description:
      'As in libpq. prefer: TLS where the server has it. require: TLS always. verify-ca: and the certificate comes from a trusted authority. verify-full: and it is for this host.',
  }),
  ca: text().default('').meta({
    description: 'File with the certificates of the authorities to trust, PEM; the default is Node’s list.',
  }),
  cert: text().default('').meta({ description: 'File with the client’s certificate, PEM.' }),
  key: text().default('').meta({ description: 'File with the private key of the client’s certificate, PEM.' }),
  keyPassword: secret().default('').meta({ description: 'Password of the private key.' }),
})

const hypertable = z.strictObject({
  timeColumn: text().meta({ description: 'Column by which rows are put into chunks.' }),
  chunkInterval: text().default('7 days').meta({
    description: 'Time that a chunk covers, such as 1 day; a whole number where timeColumn is one.',
  }),
  partitionColumn: text().default('').meta({ description: 'Column by whose hash chunks are divided once more.' }),
  partitions: integer({ min: 2, max: 32767 })
    .default(4)
    .meta({ description: 'Number of divisions by partitionColumn.' }),
  compressAfter: text().default('').meta({
    description: 'Age, such as 30 days, at which chunks are compressed; nothing is compressed without it.',
  }),
  segmentBy: list().meta({
    description: 'Columns by which compressed rows are grouped, usually what queries filter by.',
  }),
  orderBy: text().default('').meta({
    description: 'Order of the compressed rows, such as time DESC; the default is timeColumn DESC.',
  }),
  dropAfter: text().default('').meta({
    description: 'Age, such as 1 year, at which chunks are deleted; nothing is deleted without it.',
  }),
})

const fields = {
  connection: connection.optional().meta({
    description: 'Where the database is. Exactly one of connection, connectionString and jdbcUrl.',
  }),
  connectionString: secret().default('').meta({
    description: 'The same as postgresql://user:password@host:5432/database; several hosts are separated by commas.',
  }),
  jdbcUrl: text().default('').meta({
    description: 'The same as in Pulsar: jdbc:postgresql://host:5432/database; the password belongs into password.',
  }),
  userName: text().default('').meta({ description: 'User, where connection or connectionString does not name one.' }),
  password: secret().default('').meta({ description: 'Password of userName.' }),
  tableName: text().meta({ description: 'Table to write to, for example metrics or public.metrics.' }),
  key: list().meta({
    description: 'Columns that tell rows apart, for UPSERT, UPDATE and DELETE; separated by commas, or a list.',
  }),
  nonKey: list().meta({
    description: 'Columns that UPSERT and UPDATE set; the default is every column that the record has a value for.',
  }),
  insertMode: z.enum(['INSERT', 'UPSERT', 'UPDATE']).default('INSERT').meta({
    description:
      'What a record does that has no property ACTION (INSERT, UPSERT, UPDATE or DELETE). UPSERT needs a unique index on key.',
  }),
  nullValueAction: z.enum(['FAIL', 'DELETE']).default('FAIL').meta({
    description: 'For a record without a value: make it a dead letter, or delete the row of its key.',
  }),
  excludeNonDeclaredFields: boolean().default(false).meta({
    description: 'Writes the columns in key and nonKey alone.',
  }),
  unknownFields: z.enum(['IGNORE', 'FAIL']).default('IGNORE').meta({
    description: 'For fields that are no column: leave them out and say so once, or make the record a dead letter.',
  }),
  timestampUnit: z.enum(['s', 'ms', 'us', 'ns']).default('ms').meta({
    description: 'What a number means in a timestamp column, counted from 1970.',
  }),
  batchSize: integer({ min: 0, max: 1_000_000 }).default(200).meta({
    description:
      'Rows in a transaction at most; 0 stands for 10,000. With a large backlog that is several times faster.',
  }),
  timeoutMs: integer({ min: 0 }).default(500).meta({
    description: 'Milliseconds that a record waits for company at most; 0 stands for 10.',
  }),
  connections: integer({ min: 1, max: 32 }).default(1).meta({
    description:
      'Connections at most. More than one writes batches at the same time, where the subscription needs no order.',
  }),
  statementTimeout: duration().default(60_000).meta({
    description: 'Time that a statement may take; 0 is no limit.',
  }),
  connectTimeout: duration({ min: 1 })
    .default(10_000)
    .meta({ description: 'Time that connecting to a host may take.' }),
  createTable: boolean().default(false).meta({
    description:
      'Creates a missing table with columns, and key as its primary key. Without columns it is made when the first record comes, with the fields of its AVRO or JSON schema.',
  }),
  columns: z
    .record(z.string(), z.string({ error: 'must be a type such as double precision' }))
    .default({})
    .meta({
      description:
        'Columns of the table that createTable makes, each with its type, for example {"time": "timestamptz NOT NULL"}. An existing table is compared with them.',
    }),
  hypertable: hypertable.optional().meta({
    description: 'Makes the table a hypertable. Without TimescaleDB in the database it stays a plain table.',
  }),
  positionsTable: text().default('pulsar_io_positions').meta({
    description:
      'Table in which EFFECTIVELY_ONCE keeps how far it got, beside the table it writes to; made where it is missing.',
  }),
  useTransactions: boolean().default(true).meta({
    description: 'Accepted for Pulsar’s sake: a batch is always one transaction.',
  }),
  useJdbcBatch: boolean().default(false).meta({
    description: 'Accepted for Pulsar’s sake: rows always travel in batches.',
  }),
  maxQueueSize: integer({ min: -1 }).default(-1).meta({
    description: 'Accepted for Pulsar’s sake: there is no queue here, and what is in flight is always bounded.',
  }),
  ssl: ssl.prefault({}).meta({ description: 'TLS settings.' }),
}

/** The configuration of the sink: Pulsar's words for its JDBC sink, and what TimescaleDB needs besides. */
export const options = z.strictObject(fields).superRefine(
  (config, context) => {
    for (const { path, message } of problemsIn(config)) context.addIssue({ code: 'custom', path: [...path], message })
  },
  // Looked at also where a field is wrong, so that all problems come out at once.
  { when: () => true },
)

/** A checked configuration. */
export type Config = z.output<typeof options>

/** What is asked of TimescaleDB. */
export type HypertableConfig = NonNullable<Config['hypertable']>
