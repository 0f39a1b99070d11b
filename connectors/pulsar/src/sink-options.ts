import { duration, integer, size } from '@pulsar-io/sdk'
import * as z from 'zod'
import {
  type Contradiction,
  checked,
  connectionContradictions,
  connectionFields,
  text,
  topicProblem,
} from './connection-options.ts'

const COMPRESSION_TYPES = ['NONE', 'LZ4', 'ZLIB', 'ZSTD', 'SNAPPY'] as const

const fields = {
  ...connectionFields,
  topic: text().meta({
    description:
      'Topic to publish to. {topic} in it stands for the name of the record’s topic without tenant and namespace, for example clean-{topic}.',
  }),
  producerName: text().default('').meta({
    description:
      'First part of the names of the producers. With deduplication the target knows records again by it; empty: tenant/namespace/name of the connector.',
  }),
  effectivelyOnce: z.enum(['transactions', 'deduplication']).default('transactions').meta({
    description:
      'What EFFECTIVELY_ONCE rests on: transactions of the target’s cluster, for one instance; or the target’s deduplication, for any number of instances, as long as the broker remembers (see below).',
  }),
  positionsTopic: text().default('').meta({
    description:
      'Topic for how far the target got, under EFFECTIVELY_ONCE with transactions; empty: TENANT-NAMESPACE-NAME-positions of the connector, in the namespace of topic.',
  }),
  transactionTimeout: duration({ min: 1_000, max: 600_000 }).default(10_000).meta({
    description:
      'When the cluster gives up a transaction that nobody ends. After a crash the next start waits for it at most so long.',
  }),
  schemaType: z.enum(['BYTES', 'STRING', 'JSON']).default('BYTES').meta({
    description:
      'Schema to publish with. JSON goes by the definition that the target has, and where it has none, without a schema.',
  }),
  compressionType: z.enum(COMPRESSION_TYPES).default('NONE').meta({ description: 'How messages are compressed.' }),
  batchBuilder: z.enum(['DEFAULT', 'KEY_BASED']).default('DEFAULT').meta({
    description:
      'KEY_BASED puts messages of one key alone into a batch, which readers with Key_Shared subscriptions need.',
  }),
  sendTimeout: duration({ min: 100, max: 3_600_000 }).default(30_000).meta({
    description: 'How long the target may take to confirm a message before it is published again.',
  }),
  batchSize: integer({ min: 1, max: 50_000 }).default(1000).meta({
    description: 'Records that are handed to the producer at once, at most.',
  }),
  batchBytes: size({ min: 1, max: 64 * 1024 * 1024 })
    .default(5 * 1024 * 1024)
    .meta({
      description: 'Bytes that are handed to the producer at once, at most.',
    }),
  batchTimeMs: integer({ min: 0, max: 60_000 }).default(5).meta({
    description: 'Milliseconds that a record waits for company at most.',
  }),
}

function contradictions(config: Partial<SinkConfig>): Contradiction[] {
  const found = connectionContradictions(config)
  const { positionsTopic } = config
  const positionsProblem = positionsTopic ? topicProblem(positionsTopic) : undefined
  if (positionsProblem !== undefined) found.push({ path: 'positionsTopic', message: positionsProblem })
  if (typeof config.topic !== 'string') return found
  const problem = topicProblem(config.topic.replaceAll('{topic}', 'topic'))
  if (problem !== undefined) found.push({ path: 'topic', message: problem })
  return found
}

const shape = z.strictObject(fields)

/** A checked configuration of the sink. */
export type SinkConfig = z.output<typeof shape>

/** The configuration of the sink. */
export const sinkOptions = checked(shape, contradictions)
