import {
  type BatchInfo,
  type BatchSink,
  type ConnectorError,
  defineSink,
  isConnectorError,
  type Outcome,
  type Record,
  type SinkContext,
} from '@pulsar-io/sdk'
import { connectTo, ensure } from './connect.ts'
import { Delivering } from './delivering.ts'
import { lostError, type Where, whereOf } from './errors.ts'
import { messageMaker } from './message.ts'
import type { Broker, OutgoingMessage } from './port.ts'
import { parseTemplate, routingKeyOf } from './routing-key.ts'
import { type SinkConfig, sinkOptions } from './sink-options.ts'

export const sink = defineSink({
  name: 'rabbitmq',
  summary: 'Publishes records to an exchange of RabbitMQ, with publisher confirms.',
  config: sinkOptions,
  delivery: 'at-least-once',
  batch: ({ batchSize, batchTimeMs }: SinkConfig) => ({
    maxRecords: batchSize,
    maxBytes: 5 * 1024 * 1024,
    maxDelayMs: batchTimeMs,
    // While the confirms of one batch are on their way, the next is published.
    maxInFlight: 4,
  }),
  create: () => new RabbitmqSink(),
})

/** Publishes each batch over a channel of its own, and waits for the confirm of each message. */
class RabbitmqSink implements BatchSink<SinkConfig> {
  #broker: Broker | undefined
  #delivering: Delivering | undefined
  #messageOf: (record: Record) => OutgoingMessage | undefined = () => undefined

  async open(config: SinkConfig, context: SinkContext): Promise<void> {
    const where = whereOf(config)
    this.#messageOf = messageMaker(config, routingKeyOf(parseTemplate(config.routingKey)))
    const broker = await connectTo(config, context, where, {
      // A write under way hears of it by itself; while nothing is written, nobody else would tell.
      lost: error => context.lost(lostError(error, where)),
      blocked: reason => {
        this.#delivering?.block()
        context.connection('blocked', `${where.url} takes nothing from publishers for now: ${reason}`)
      },
      unblocked: () => {
        this.#delivering?.unblock()
        context.connection('connected')
      },
    })
    this.#broker = broker
    this.#delivering = new Delivering(broker, where, config)
    await prepare(broker, config, where)
    context.logger.info(`connected to ${broker.title} at ${where.url}`, {
      exchange: config.exchangeName,
      ...(config.queueName ? { queue: config.queueName } : {}),
    })
  }

  async write(records: readonly Record[], { signal }: BatchInfo): Promise<readonly Outcome[]> {
    const delivering = this.#delivering
    if (!delivering) throw new Error('write was called before open')
    const outcomes = new Array<Outcome>(records.length).fill(undefined)
    const messages: OutgoingMessage[] = []
    const owners: number[] = []
    records.forEach((record, i) => {
      try {
        const message = this.#messageOf(record)
        if (!message) return
        messages.push(message)
        owners.push(i)
      } catch (error) {
        if (!isConnectorError(error)) throw error
        outcomes[i] = error
      }
    })
    const results: readonly (ConnectorError | undefined)[] = await delivering.deliver(messages, signal)
    results.forEach((error, at) => {
      const owner = owners[at]
      if (error && owner !== undefined) outcomes[owner] = error
    })
    return outcomes
  }

  async close(): Promise<void> {
    const broker = this.#broker
    this.#broker = undefined
    this.#delivering?.unblock()
    await broker?.close()
  }
}

/** Declares what the configuration names, or looks whether it is there. */
async function prepare(broker: Broker, config: SinkConfig, where: Where): Promise<void> {
  const { exchangeName, exchangeType, queueName, queueType, queueArguments, routingKey, passive } = config
  if (passive) {
    const fix = 'create it, correct its name, or set passive: false'
    if (exchangeName !== '') await ensure(broker, { kind: 'existing exchange', name: exchangeName }, where, fix)
    if (queueName !== '') await ensure(broker, { kind: 'existing queue', name: queueName }, where, fix)
    return
  }
  if (exchangeName !== '') {
    // As Pulsar's own sink has it: with a queue, the exchange is a direct one.
    const type = queueName === '' ? exchangeType : 'direct'
    const option = queueName === '' ? 'set exchangeType to what it is' : 'leave queueName out'
    const fix = `${option}, or passive: true to take the exchange as it is`
    await ensure(broker, { kind: 'exchange', name: exchangeName, type }, where, fix)
  }
  if (queueName === '') return
  const type = queueType === 'default' ? {} : { 'x-queue-type': queueType }
  const queue = { name: queueName, durable: true, exclusive: false, autoDelete: false }
  const fix = 'set queueType and queueArguments to what it has, or passive: true to take the queue as it is'
  await ensure(broker, { kind: 'queue', ...queue, arguments: { ...type, ...queueArguments } }, where, fix)
  await ensure(broker, { kind: 'binding', queue: queueName, exchange: exchangeName, routingKey }, where, '')
}
