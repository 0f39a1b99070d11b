import { boolean, duration, integer, secret } from '@pulsar-io/sdk'
import * as z from 'zod'
import { problemsIn } from './rules.ts'

const text = () => z.string({ error: 'must be a text' })
const upper = (value: unknown): unknown => (typeof value === 'string' ? value.toUpperCase() : value)

const tls = z.strictObject({
  enabled: boolean().default(false).meta({ description: 'Encrypts the connections.' }),
  caFile: text().default('').meta({
    description: 'File with the certificates of the authorities to trust, PEM; without it those of Node.',
  }),
  certFile: text().default('').meta({ description: 'File with the client’s certificate and its chain, PEM.' }),
  keyFile: text().default('').meta({ description: 'File with the client’s private key, PEM.' }),
  keyPassword: secret().default('').meta({ description: 'Password of the private key, where it has one.' }),
  verifyHostname: boolean().default(true).meta({
    description: 'Checks that a certificate is for the address of its node or for a name in roots.',
  }),
})

const LEVELS = ['ANY', 'ONE', 'TWO', 'THREE', 'QUORUM', 'ALL', 'LOCAL_QUORUM', 'EACH_QUORUM', 'LOCAL_ONE'] as const

const fields = {
  roots: text().meta({
    description:
      'Nodes to begin with, host or host:port (9042), separated by commas; the others are learned from the cluster.',
  }),
  keyspace: text().meta({ description: 'Keyspace of the table.' }),
  columnFamily: text().meta({ description: 'Table to write to.' }),
  keyname: text().default('').meta({
    description:
      'Column for the record’s key, with columnName. Without both, the fields of a record go to the columns of their names.',
  }),
  columnName: text().default('').meta({ description: 'Column for the record’s value, with keyname.' }),
  userName: text().default('').meta({ description: 'User, together with password.' }),
  password: secret().default('').meta({ description: 'Password, together with userName.' }),
  localDatacenter: text().default('').meta({
    description: 'Datacenter whose nodes are written to. Needed only where the cluster has several.',
  }),
  consistency: z
    .preprocess(upper, z.enum(LEVELS))
    .default('LOCAL_QUORUM')
    .meta({ type: 'string', enum: [...LEVELS], description: 'Replicas that have to confirm a write.' }),
  ttlSeconds: integer({ min: 0, max: 630_720_000 }).default(0).meta({
    description: 'Seconds after which Cassandra drops what was written; 0 leaves it to the table.',
  }),
  writeTimestamp: z
    .preprocess(upper, z.enum(['POSITION', 'NOW']))
    .default('POSITION')
    .meta({
      type: 'string',
      enum: ['POSITION', 'NOW'],
      description:
        'Decides which of two writes to a row wins. POSITION: the record that stands later in its topic, however often and in whatever order they come. NOW: what was written last.',
    }),
  nullValueAction: z
    .preprocess(upper, z.enum(['DELETE', 'IGNORE', 'FAIL']))
    .default('DELETE')
    .meta({
      type: 'string',
      enum: ['DELETE', 'IGNORE', 'FAIL'],
      description: 'For a record without a value: delete the row of its key, skip it, or make it a dead letter.',
    }),
  nullFields: z
    .preprocess(upper, z.enum(['DELETE', 'IGNORE']))
    .default('DELETE')
    .meta({
      type: 'string',
      enum: ['DELETE', 'IGNORE'],
      description:
        'For a field that is null: delete the column’s value, or leave it as it is. A field that is missing always leaves it.',
    }),
  unknownFields: z
    .preprocess(upper, z.enum(['FAIL', 'IGNORE']))
    .default('FAIL')
    .meta({
      type: 'string',
      enum: ['FAIL', 'IGNORE'],
      description: 'For a field that has no column: make the record a dead letter, or leave the field out.',
    }),
  mapping: z.record(z.string(), text()).default({}).meta({
    description:
      'Columns of fields that have other names, for example {"userId": "user_id", "address.city": "city"}. Without keyname and columnName.',
  }),
  createKeyspaceIfNeeded: boolean().default(false).meta({
    description: 'Creates a missing keyspace, with replicationFactor copies in the local datacenter.',
  }),
  replicationFactor: integer({ min: 1 }).default(1).meta({
    description: 'Copies of each row in a keyspace that this connector creates.',
  }),
  createTableIfNeeded: boolean().default(false).meta({
    description: 'Creates a missing table: from tableDefinition, or with keyname and columnName as text.',
  }),
  tableDefinition: text().default('').meta({
    description:
      'What stands between the brackets of CREATE TABLE, for example "id uuid PRIMARY KEY, name text". With createTableIfNeeded.',
  }),
  batchSize: integer({ min: 1, max: 100_000 }).default(2000).meta({
    description: 'Records that are taken from the topic at once at most.',
  }),
  maxConcurrentRequests: integer({ min: 1, max: 2048 }).default(128).meta({
    description: 'Statements under way at the same time at most.',
  }),
  partitionBatchSize: integer({ min: 1, max: 1000 }).default(50).meta({
    description:
      'Rows of one Cassandra partition that go into one unlogged batch at most. Rows of different partitions never share one.',
  }),
  connectTimeoutInMs: duration({ min: 1 })
    .default(5000)
    .meta({ description: 'How long connecting to a node may take.' }),
  requestTimeoutInMs: duration({ min: 1 }).default(12_000).meta({ description: 'How long an answer may take.' }),
  speculativeExecutionDelay: duration().default(0).meta({
    description: 'After how long without an answer another node is asked as well; 0: never.',
  }),
  speculativeExecutions: integer({ min: 1, max: 5 }).default(1).meta({
    description: 'Further nodes that are asked at most, with speculativeExecutionDelay.',
  }),
  tls: tls.prefault({}).meta({ description: 'TLS settings.' }),
}

/** The configuration of the sink: Pulsar's words, and those that it lacks. */
export const options = z.strictObject(fields).superRefine(
  (config, context) => {
    for (const { path, message } of problemsIn(config)) context.addIssue({ code: 'custom', path: [...path], message })
  },
  // Looked at also where a field is wrong, so that all problems come out at once.
  { when: () => true },
)

/** A checked configuration. */
export type Config = z.output<typeof options>
