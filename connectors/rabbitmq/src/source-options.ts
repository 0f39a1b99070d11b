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

const fields = {
  ...connectionFields,
  queueName: text().min(1, 'must not be empty').meta({ description: 'Queue to read from.' }),
  passive: boolean().default(false).meta({
    description: 'Does not declare the queue: it has to be there, as it is.',
  }),
  durable: boolean().default(false).meta({
    description: 'Where the queue is declared: it survives a restart of the server.',
  }),
  exclusive: boolean().default(false).meta({
    description: 'Where the queue is declared: for this connection alone, and deleted with it, messages included.',
  }),
  autoDelete: boolean().default(false).meta({
    description: 'Where the queue is declared: deleted, messages included, when its last consumer is gone.',
  }),
  ...queueFields,
  exchangeName: text().default('').meta({
    description: 'Exchange to bind the queue to; it has to be there unless exchangeType is set.',
  }),
  exchangeType: text().default('').meta({
    description: 'Declares the exchange, durable and with this type: topic, direct, fanout, headers.',
  }),
  routingKey: text().default('#').meta({ description: 'Routing key of the binding to exchangeName.' }),
  prefetchCount: integer({ min: 0, max: 65_535 }).default(0).meta({
    description:
      'Messages that the server hands over before the first is acknowledged; 0 stands for 500. So many are held in memory at most.',
  }),
  prefetchGlobal: boolean().default(false).meta({
    description: 'Counts prefetchCount for the channel; the same here, since the source has one consumer.',
  }),
  stallTimeout: duration({ max: 86_400_000 }).default(300_000).meta({
    description:
      'When prefetchCount is used up and nothing was acknowledged for so long, the source connects again and gets the messages once more; 0 switches it off.',
  }),
}

function contradictions(config: Partial<SourceConfig>): Contradiction[] {
  const found = connectionContradictions(config)
  const { passive, durable, exclusive, autoDelete, queueType, exchangeName, exchangeType } = config
  if (passive === false && (queueType === 'quorum' || queueType === 'stream')) {
    if (durable === false) found.push({ path: 'durable', message: `must be true for a ${queueType} queue` })
    if (exclusive === true) found.push({ path: 'exclusive', message: `must be false for a ${queueType} queue` })
    if (autoDelete === true) found.push({ path: 'autoDelete', message: `must be false for a ${queueType} queue` })
  }
  if (exchangeName === '' && exchangeType)
    found.push({ path: 'exchangeName', message: 'required for exchangeType to have an effect' })
  return found
}

const shape = z.strictObject(fields)

/** A checked configuration of the source. */
export type SourceConfig = z.output<typeof shape>

/** The configuration of the source, in Pulsar's words. */
export const sourceOptions = checked(shape, contradictions)
