import { boolean, duration, integer, secret, stringList } from '@pulsar-io/sdk'
import * as z from 'zod'
import { consumerProperties, producerProperties } from './java-properties.ts'
import { sinkProblems, sourceProblems } from './rules.ts'
import { deserializers, serializers } from './serde.ts'

const text = () => z.string({ error: 'must be a text' })

const connection = {
  bootstrapServers: text().meta({
    description: 'Servers to begin with, host:port separated by commas; they name the others.',
  }),
  securityProtocol: z.enum(['', 'PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']).default('').meta({
    description: 'How to talk to the servers; empty is PLAINTEXT.',
  }),
  saslMechanism: z.enum(['', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']).default('').meta({
    description: 'How to log in, with a SASL securityProtocol.',
  }),
  saslJaasConfig: secret().default('').meta({
    description:
      'The login as Java writes it: org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…"; instead of username, password and token.',
  }),
  username: text().default('').meta({ description: 'User for PLAIN and SCRAM.' }),
  password: secret().default('').meta({ description: 'Password for PLAIN and SCRAM.' }),
  token: secret().default('').meta({ description: 'Token for OAUTHBEARER.' }),
  sslEnabledProtocols: text().default('').meta({
    description: 'TLS versions to use, separated by commas; empty is TLSv1.2,TLSv1.3.',
  }),
  sslEndpointIdentificationAlgorithm: z.enum(['', 'https', 'HTTPS', 'none']).default('').meta({
    description: 'Checks that a certificate is for the host it came from; none switches that off.',
  }),
  sslTruststoreLocation: text().default('').meta({
    description: 'File with the certificates of the authorities to trust, PEM. Empty: the authorities Node.js trusts.',
  }),
  sslTruststorePassword: secret().default('').meta({
    description: 'Password of a Java truststore. Accepted for Pulsar’s sake: PEM has none.',
  }),
  sslKeystoreLocation: text().default('').meta({
    description: 'File with the client’s certificate and private key: PEM (both in one file) or PKCS#12.',
  }),
  sslKeystorePassword: secret().default('').meta({ description: 'Password of that file or of the key in it.' }),
}

const source = {
  ...connection,
  groupId: text().meta({ description: 'Consumer group; offsets are committed to it once records are published.' }),
  topic: text().optional().meta({ description: 'Topic to read, or several separated by commas.' }),
  topicsPattern: text().default('').meta({
    description: 'Instead of topic: a regular expression that whole topic names match. Topics made later are joined.',
  }),
  partitions: stringList().default([]).meta({
    description:
      'Reads these partitions of the one topic, without sharing them in a group; instances take turns. Ranges such as 0-3 are fine.',
  }),
  startFrom: text().default('').meta({
    description:
      'Where to begin a partition without a committed offset: earliest, latest, offset:1234, or a time such as 2026-05-01T00:00:00Z. Empty: as autoOffsetReset says.',
  }),
  autoOffsetReset: z.enum(['earliest', 'latest', 'none']).default('earliest').meta({
    description:
      'Where to go on when an offset is no longer there, and where to begin without one; none stops instead.',
  }),
  isolationLevel: z.enum(['read_committed', 'read_uncommitted']).default('read_committed').meta({
    description: 'read_committed leaves out what transactions wrote that were given up.',
  }),
  fetchMinBytes: integer({ min: 1 })
    .default(1)
    .meta({ description: 'Bytes that a server waits for before it answers.' }),
  autoCommitEnabled: boolean().default(true).meta({
    description:
      'true: offsets of published records are committed every autoCommitIntervalMs. false: as soon as they are published.',
  }),
  autoCommitIntervalMs: integer({ min: 1 }).default(5000).meta({ description: 'Time between commits, in ms.' }),
  sessionTimeoutMs: integer({ min: 1000 }).default(30_000).meta({
    description: 'Without a sign of life for so long, in ms, a member loses its partitions to others.',
  }),
  heartbeatIntervalMs: integer({ min: 100 }).default(3000).meta({ description: 'Time between signs of life, in ms.' }),
  keyDeserializationClass: z
    .enum(deserializers)
    .default('org.apache.kafka.common.serialization.StringDeserializer')
    .meta({
      description: 'How keys are read; they become text. Bytes become base64.',
    }),
  valueDeserializationClass: z
    .enum(deserializers)
    .default('org.apache.kafka.common.serialization.ByteArrayDeserializer')
    .meta({ description: 'How values are read, which also decides the schema of the Pulsar topic.' }),
  copyHeadersEnabled: boolean().default(false).meta({
    description: 'Makes properties of the headers, and __kafka_topic, __kafka_partition, __kafka_offset.',
  }),
  headerValues: z.enum(['base64', 'text']).default('base64').meta({
    description: 'How header values become properties: base64 as in Pulsar, or as UTF-8 text.',
  }),
  consumerConfigProperties: consumerProperties,
}

const sink = {
  ...connection,
  topic: text().meta({
    description:
      'Topic to write to. {topic}, {namespace}, {tenant}, {key}, {properties.NAME} and {value.FIELD} are filled in from each record.',
  }),
  autoCreateTopic: boolean().default(true).meta({
    description: 'Lets the servers make a missing topic, where auto.create.topics.enable says that they do.',
  }),
  acks: z
    .preprocess(value => (typeof value === 'number' ? String(value) : value), z.enum(['all', '-1', '1', '0']))
    .default('all')
    .meta({
      type: ['string', 'integer'],
      description:
        'Who has to have a record before it counts as written: all replicas in sync (all, -1), the leader (1), nobody (0).',
    }),
  compressionType: z.enum(['none', 'gzip', 'snappy', 'lz4', 'zstd']).default('none').meta({
    description: 'How batches are compressed.',
  }),
  batchSize: integer({ min: 1 }).default(16_384).meta({
    description:
      'Bytes of a batch as Java’s client gathers them. Accepted for Pulsar’s sake: a batch is what waits, up to maxRequestSize.',
  }),
  maxRequestSize: integer({ min: 1024 }).default(1_048_576).meta({
    description: 'Bytes of a record or of a batch for one partition at most, before compression.',
  }),
  keySerializerClass: z.enum(serializers).default('org.apache.kafka.common.serialization.StringSerializer').meta({
    description: 'How keys are written.',
  }),
  valueSerializerClass: z.enum(serializers).default('org.apache.kafka.common.serialization.ByteArraySerializer').meta({
    description:
      'How values are written. Bytes and text go in as they are, with the ByteArray and String ones anything else as JSON.',
  }),
  copyHeadersEnabled: boolean().default(false).meta({ description: 'Makes UTF-8 headers of the properties.' }),
  positionsTopic: text().default('pulsar-io-positions').meta({
    description:
      'For EFFECTIVELY_ONCE: the compacted topic that keeps how far each connector got. Made when it is missing.',
  }),
  retryWithin: duration({ min: 0, max: 120_000 }).default(5000).meta({
    description:
      'How long a batch is tried again on its own when a server changes, before that counts as a lost connection.',
  }),
  producerConfigProperties: producerProperties,
}

/** The rules across fields are looked at also where a field is wrong, so that all problems come out at once. */
const always = { when: () => true }

/** The configuration of the source: Pulsar's fields, and a few more. */
export const sourceOptions = z.strictObject(source).superRefine((config, context) => {
  for (const { path, message } of sourceProblems(config)) context.addIssue({ code: 'custom', path: [...path], message })
}, always)

/** The configuration of the sink: Pulsar's fields, and a few more. */
export const sinkOptions = z.strictObject(sink).superRefine((config, context) => {
  for (const { path, message } of sinkProblems(config)) context.addIssue({ code: 'custom', path: [...path], message })
}, always)

export type SourceConfig = z.output<typeof sourceOptions>
export type SinkConfig = z.output<typeof sinkOptions>
export type ConnectionConfig = Pick<SourceConfig, keyof typeof connection>
