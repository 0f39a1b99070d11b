import { boolean, duration, integer } from '@pulsar-io/sdk'
import * as z from 'zod'
import {
  type Contradiction,
  checked,
  connectionContradictions,
  connectionFields,
  queueFields,
  text,
} from './connection-options.ts'
import { parseTemplate } from './routing-key.ts'

const fields = {
  ...connectionFields,
  exchangeName: text().meta({
    description:
      'Exchange to publish to. Empty is the server’s default exchange, where the routing key is the name of a queue.',
  }),
  exchangeType: text().min(1, 'must not be empty').default('topic').meta({
    description: 'Type of the exchange where it is declared: topic, direct, fanout, headers, or one of a plugin.',
  }),
  routingKey: text().default('').meta({
    description:
      'Routing key of records without a property routingKey. %{key}, %{topic}, %{partition} and %{property:NAME} are filled in from the record.',
  }),
  queueName: text().default('').meta({
    description:
      'Queue to declare, durable, and to bind to the exchange with the routing key; the exchange is then declared as direct.',
  }),
  ...queueFields,
  passive: boolean().default(false).meta({
    description: 'Declares and binds nothing: the exchange and the queue have to be there, as they are.',
  }),
  mandatory: boolean().default(true).meta({
    description:
      'A record that the exchange routes to no queue becomes a dead letter. false: the server drops it, and nobody hears of it.',
  }),
  persistent: boolean().default(true).meta({
    description: 'The server writes messages in durable queues to disk before it confirms them.',
  }),
  nullValueAction: z.enum(['PUBLISH', 'IGNORE', 'FAIL']).default('PUBLISH').meta({
    description:
      'For a record without a value: publish an empty message with the header pulsar-null-value, skip it, or make it a dead letter.',
  }),
  confirmTimeout: duration({ max: 86_400_000 }).default(60_000).meta({
    description:
      'How long the server may take to confirm a batch before it is published again over a new connection; 0 means no limit. Time in which the server blocks publishers does not count.',
  }),
  batchSize: integer({ min: 1, max: 65_535 }).default(1000).meta({
    description: 'Records that are published before their confirms are waited for, at most.',
  }),
  batchTimeMs: integer({ min: 0, max: 60_000 }).default(5).meta({
    description: 'Milliseconds that a record waits for company at most.',
  }),
}

function contradictions(config: Partial<SinkConfig>): Contradiction[] {
  const found = connectionContradictions(config)
  const { exchangeName, queueName, queueType, queueArguments, routingKey } = config
  const hasArguments = typeof queueArguments === 'object' && Object.keys(queueArguments).length > 0
  if (queueName === '' && ((queueType !== 'default' && queueType !== undefined) || hasArguments))
    found.push({ path: 'queueName', message: 'required for queueType and queueArguments to have an effect' })
  if (typeof routingKey !== 'string') return found
  try {
    const { literal } = parseTemplate(routingKey)
    if (queueName && literal === undefined)
      found.push({
        path: 'routingKey',
        message: 'must be the same for all records where queueName is to be bound; bind the queue by other means',
      })
  } catch (error) {
    found.push({ path: 'routingKey', message: (error as Error).message })
  }
  if (exchangeName === '' && queueName)
    found.push({
      path: 'exchangeName',
      message: 'required with queueName: nothing can be bound to the default exchange',
    })
  return found
}

const shape = z.strictObject(fields)

/** A checked configuration of the sink. */
export type SinkConfig = z.output<typeof shape>

/** The configuration of the sink, in Pulsar's words. */
export const sinkOptions = checked(shape, contradictions)
