import { duration, integer, stringList } from '@pulsar-io/sdk'
import * as z from 'zod'
import {
  type Contradiction,
  checked,
  connectionContradictions,
  connectionFields,
  text,
  topicProblem,
} from './connection-options.ts'

const fields = {
  ...connectionFields,
  topics: stringList().default([]).meta({ description: 'Topics to read.' }),
  topicsPattern: text().default('').meta({
    description:
      'Instead of topics: a regular expression over whole names, for example public/default/orders-.*; topics made later are joined.',
  }),
  subscriptionName: text().default('').meta({
    description: 'Subscription to read with; empty: tenant/namespace/name of the connector.',
  }),
  subscriptionType: z.enum(['Exclusive', 'Shared', 'Failover', 'Key_Shared']).default('Shared').meta({
    description:
      'How instances share the messages. Shared keeps no order; Failover and Exclusive keep that of each partition, Key_Shared that of each key. EFFECTIVELY_ONCE always reads as Exclusive.',
  }),
  subscriptionInitialPosition: z.enum(['Earliest', 'Latest']).default('Latest').meta({
    description: 'Where a subscription begins that is new.',
  }),
  schemaType: z.enum(['BYTES', 'STRING', 'JSON']).default('BYTES').meta({
    description: 'What values become: bytes as they are, text of UTF-8, or what their JSON says.',
  }),
  onMalformed: z.enum(['fail', 'skip']).default('fail').meta({
    description:
      'What to do about a value that is not what schemaType says: stop, or log it, acknowledge it and go on.',
  }),
  negativeAckRedeliveryDelay: duration({ min: 0, max: 86_400_000 }).default(60_000).meta({
    description: 'How long a message that could not be published waits until it is handed out again.',
  }),
  receiverQueueSize: integer({ min: 1, max: 1_000_000 }).default(5000).meta({
    description: 'Messages that are held at most: sent ahead by the broker, or handed on and not published yet.',
  }),
}

function contradictions(config: Partial<SourceConfig>): Contradiction[] {
  const found = connectionContradictions(config)
  const { topics, topicsPattern } = config
  const named = Array.isArray(topics) && topics.length > 0
  if (Array.isArray(topics) && !named && topicsPattern === '')
    found.push({ path: 'topics', message: 'required: at least one topic to read, or a topicsPattern' })
  if (named && topicsPattern)
    found.push({ path: 'topicsPattern', message: 'cannot stand beside topics; keep one of them' })
  if (!Array.isArray(topics)) return found
  for (const topic of topics) {
    const problem = topicProblem(topic)
    if (problem !== undefined) found.push({ path: 'topics', message: problem })
  }
  return found
}

const shape = z.strictObject(fields)

/** A checked configuration of the source. */
export type SourceConfig = z.output<typeof shape>

/** The configuration of the source. */
export const sourceOptions = checked(shape, contradictions)
