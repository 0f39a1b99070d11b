import type { CompressionType } from '@pulsar-io/messaging'
import { boolean, integer, number, stringList } from '@pulsar-io/sdk'
import * as z from 'zod'

const NAME = /^[-=:.\w]+$/

/** A part of a fully qualified name. */
const namePart = (description: string) =>
  z
    .string()
    .regex(NAME, { error: issue => `must be letters, digits and - = : . _, got ${JSON.stringify(issue.input)}` })
    .optional()
    .meta({ description })

const text = (description: string) => z.string().min(1, 'must not be empty').optional().meta({ description })
/** A field of Pulsar's that has no meaning here: it is accepted, and its meta `inert` says why, once. */
const inert = (schema: z.ZodType, description: string, why: string) =>
  schema.optional().meta({ description, inert: why })

const guarantees = ['ATMOST_ONCE', 'ATLEAST_ONCE', 'EFFECTIVELY_ONCE'] as const

const resources = z
  .strictObject({
    cpu: number({ min: 0 }).optional().meta({
      description: 'Cores: below 1, the weight of an instance where processors are short; more counts as 1',
    }),
    ram: integer({ min: 1 })
      .optional()
      .meta({ description: 'Bytes of memory; with isolation `thread` the heap limit of an instance' }),
    disk: integer({ min: 1 })
      .optional()
      .meta({ description: 'Bytes of disk', inert: 'a connector here has no disk of its own' }),
  })
  .optional()
  .meta({ description: 'What one instance may use' })

/** Fields that sinks and sources share (parity with Pulsar's SinkConfig and SourceConfig). */
const commonFields = {
  tenant: namePart('Tenant; default public'),
  namespace: namePart('Namespace; default default'),
  name: namePart('Name of the connector; default the name of the archive'),
  archive: text(
    'Archive: a path, builtin://NAME, an installed package, or an allowed URL, each with an optional #sha256=…',
  ),
  className: inert(z.string(), 'Java class of the connector', 'an archive names its entry itself'),
  configs: z.record(z.string(), z.unknown()).optional().meta({ description: "The connector's own options" }),
  secrets: z.record(z.string(), z.unknown()).optional().meta({
    description:
      'Option or secret name → where its value is: "${env:NAME}", "${file:/run/secrets/x}", or {"env": "NAME"} / {"file": "PATH"}',
  }),
  parallelism: integer({ min: 1, max: 1024 }).optional().meta({ description: 'Instances; default 1' }),
  processingGuarantees: z.enum(guarantees).optional().meta({ description: 'Delivery promise; default ATLEAST_ONCE' }),
  resources,
  runtimeFlags: inert(z.string(), 'Flags of the JVM', 'there is no JVM; use NODE_OPTIONS'),
  customRuntimeOptions: z.string().optional().meta({
    description:
      'Options of the runtime, as JSON text: {"stuckTimeout": "10m"} is the time that an instance may have work and do nothing; default --stuck-timeout, 0 for ever',
  }),
  transforms: z
    .array(z.union([z.string().min(1, 'must not be empty'), z.record(z.string(), z.unknown())]))
    .optional()
    .meta({
      description:
        'What happens to each record between topic and connector, in order: drop, keep, rename, mask, hash, cast, filter, flatten, phone, jsonata',
    }),
  logTopic: text('Topic that the log lines of the connector are published to as well'),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error'])
    .optional()
    .meta({ description: 'Log lines from this level on; default info' }),
}

/** A schema as operators write it; its own reader says what is wrong with one. */
const schema = (description: string) =>
  z.union([z.string().min(1, 'must not be empty'), z.record(z.string(), z.unknown())]).meta({ description })

const consumerSpec = z.strictObject({
  schemaType: schema(
    'Schema to decode with where the topic has none: a type such as json, avro:<file or definition>, or an object',
  ).optional(),
  serdeClassName: inert(z.string(), 'Java serde class', 'values are decoded by schema'),
  regexPattern: boolean().optional().meta({ description: 'The topic is a pattern' }),
  isRegexPattern: boolean().optional().meta({ description: 'The same as regexPattern' }),
  schemaProperties: z.record(z.string(), z.string()).optional().meta({ description: 'Properties of the schema' }),
  consumerProperties: z.record(z.string(), z.string()).optional().meta({ description: 'Properties of the consumer' }),
  receiverQueueSize: integer({ min: 1 })
    .optional()
    .meta({ description: 'Messages handed out and not settled, at most' }),
  cryptoConfig: inert(z.unknown(), 'End-to-end encryption', 'end-to-end encryption is not supported'),
  messagePayloadProcessorConfig: inert(z.unknown(), 'Java payload processor', 'it is a Java class'),
  poolMessages: inert(boolean(), 'Pool messages', 'it is a setting of the Java client'),
})

/** SinkConfig, as Pulsar's REST API, its config files and this runtime's `--sink-config-file` take it. */
export const sinkConfigSchema = z.strictObject({
  ...commonFields,
  sinkType: text('Built-in connector; the same as the archive builtin://NAME'),
  inputs: stringList().optional().meta({ description: 'Topics to read' }),
  topicsPattern: text('Regular expression over topic names to read instead of inputs'),
  topicToSerdeClassName: inert(
    z.record(z.string(), z.string()),
    'Topic → Java serde class',
    'values are decoded by schema; the topics are read',
  ),
  topicToSchemaType: z
    .record(z.string(), schema('A type such as json, avro:<file or definition>, or an object'))
    .optional()
    .meta({ description: 'Topic → schema where the topic has none' }),
  topicToSchemaProperties: inert(
    z.record(z.string(), z.string()),
    'Topic → schema properties',
    'properties stand beside the schema type: {"type": …, "properties": {…}}',
  ),
  inputSpecs: z.record(z.string(), consumerSpec).optional().meta({ description: 'Topic → how to read it' }),
  sourceSubscriptionName: text('Subscription; default tenant/namespace/name'),
  sourceSubscriptionPosition: z
    .enum(['Latest', 'Earliest'])
    .optional()
    .meta({ description: 'Where a new subscription begins; default Latest' }),
  maxMessageRetries: integer({ min: 0 }).optional().meta({
    description:
      'Retries of a record that fails with a passing error, before it becomes a dead letter; default: for ever',
  }),
  deadLetterTopic: text('Topic of dead letters; default <topic>-<subscription>-DLQ'),
  retainOrdering: boolean()
    .optional()
    .meta({ description: 'Keep the order of each partition (Failover subscription)' }),
  retainKeyOrdering: boolean().optional().meta({ description: 'Keep the order of each key (Key_Shared subscription)' }),
  autoAck: inert(boolean(), 'Acknowledge by itself', 'acknowledging follows processingGuarantees'),
  timeoutMs: integer({ min: 0 })
    .optional()
    .meta({ description: 'Milliseconds after which an unsettled record is handed out again; default never' }),
  negativeAckRedeliveryDelayMs: integer({ min: 1 })
    .optional()
    .meta({ description: 'Milliseconds before a given-back record is handed out again; default 60000' }),
  cleanupSubscription: boolean()
    .optional()
    .meta({ description: 'Delete the subscription when the sink is deleted; a local run keeps it' }),
  transformFunction: inert(
    z.string(),
    'Function applied before the sink',
    'Java functions cannot run here; transforms (--transform) do such work',
  ),
  transformFunctionClassName: inert(
    z.string(),
    'Class of that function',
    'Java functions cannot run here; transforms (--transform) do such work',
  ),
  transformFunctionConfig: inert(
    z.string(),
    'Configuration of that function',
    'Java functions cannot run here; transforms (--transform) do such work',
  ),
})

const COMPRESSION_TYPES = ['NONE', 'LZ4', 'ZLIB', 'ZSTD', 'SNAPPY'] as const satisfies readonly CompressionType[]

const batchBuilder = () =>
  z.enum(['DEFAULT', 'KEY_BASED']).optional().meta({
    description:
      'Which records share an entry of a topic on Pulsar: any (DEFAULT), or those of one key (KEY_BASED), which Key_Shared subscriptions need',
  })

const producerConfig = z.strictObject({
  maxPendingMessages: integer({ min: 0 })
    .optional()
    .meta({ description: 'Messages on their way to the topic, at most' }),
  maxPendingMessagesAcrossPartitions: inert(
    integer(),
    'Messages on their way over all partitions',
    'maxPendingMessages covers it',
  ),
  useThreadLocalProducers: inert(boolean(), 'A producer per thread', 'it is a setting of the Java client'),
  cryptoConfig: inert(z.unknown(), 'End-to-end encryption', 'end-to-end encryption is not supported'),
  batchBuilder: batchBuilder(),
  compressionType: z
    .enum(COMPRESSION_TYPES)
    .optional()
    .meta({ description: 'Compression on Pulsar: NONE, LZ4, ZLIB, ZSTD or SNAPPY; default NONE' }),
  batchingConfig: z
    .strictObject({
      enabled: boolean().optional().meta({ description: 'Whether records share an entry of the topic; default true' }),
      batchingMaxPublishDelayMs: integer({ min: 0 })
        .optional()
        .meta({ description: 'Milliseconds that a record may wait for others; default 1' }),
      batchingMaxMessages: integer({ min: 1 }).optional().meta({ description: 'Records of an entry; default 1000' }),
      batchingMaxBytes: integer({ min: 1 }).optional().meta({ description: 'Bytes of an entry; default 1 MiB' }),
      batchBuilder: batchBuilder(),
      roundRobinRouterBatchingPartitionSwitchFrequency: inert(
        integer(),
        'Entries until the next partition gets its turn',
        'the next partition gets its turn with each entry',
      ),
    })
    .optional()
    .meta({ description: 'How records share entries of a topic on Pulsar' }),
})

/** SourceConfig, as Pulsar's REST API, its config files and this runtime's `--source-config-file` take it. */
export const sourceConfigSchema = z.strictObject({
  ...commonFields,
  sourceType: text('Built-in connector; the same as the archive builtin://NAME'),
  topicName: text('Topic that the records go to'),
  producerConfig: producerConfig.optional().meta({ description: 'How to publish' }),
  serdeClassName: inert(z.string(), 'Java serde class', 'values are encoded by schema'),
  schemaType: schema(
    'Schema of the topic: a type such as json, avro:<file or definition>, or an object with type and definition; default what the source declares',
  ).optional(),
  batchSourceConfig: z
    .strictObject({
      discoveryTriggererClassName: text('When to look for tasks: `once`, `interval` or a Java class name'),
      discoveryTriggererConfig: z
        .record(z.string(), z.unknown())
        .optional()
        .meta({ description: 'For `interval`: {"every": "5m"}' }),
    })
    .optional()
    .meta({ description: 'For a batch source: when to look for tasks' }),
  batchBuilder: batchBuilder(),
})

/** A sink as an operator writes it. */
export type SinkConfig = z.output<typeof sinkConfigSchema>
/** A source as an operator writes it. */
export type SourceConfig = z.output<typeof sourceConfigSchema>
