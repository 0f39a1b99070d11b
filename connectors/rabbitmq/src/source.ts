import {
  ConfigError,
  ConnectionError,
  defineSource,
  type Offset,
  type Source,
  type SourceContext,
  type SourceRecord,
} from '@pulsar-io/sdk'
import { Acks } from './acks.ts'
import { connectTo, ensure } from './connect.ts'
import { brokerProblem, lostError, type Where, whereOf } from './errors.ts'
import { type Broker, BrokerError, type Consumption, type Delivery } from './port.ts'
import { recordOf, STREAM_OFFSET } from './received.ts'
import { type SourceConfig, sourceOptions } from './source-options.ts'

export const source = defineSource({
  name: 'rabbitmq',
  summary: 'Reads the messages of a RabbitMQ queue or stream, and acknowledges them once they are in the topic.',
  config: sourceOptions,
  // A stream is; a queue says so at open where more is asked of it.
  delivery: 'replayable',
  create: () => new RabbitmqSource(),
})

/** What `prefetchCount: 0` stands for: without a bound the server hands over all that it has. */
const DEFAULT_PREFETCH = 500
/** Records in one answer of `read` at most. */
const MAX_READ = 1000
/** Stalls are looked for so often, or four times in `stallTimeout`. */
const LOOK_EVERY_MS = 5_000

/** Reads a queue over one channel. */
class RabbitmqSource implements Source<SourceConfig, Buffer> {
  readonly #acks = new Acks(() => this.#consumption)
  #context: SourceContext | undefined
  #broker: Broker | undefined
  #consumption: Consumption | undefined
  #received: SourceRecord<Buffer>[] = []
  #failure: Error | undefined
  #wake: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #lastProgress = 0

  async open(config: SourceConfig, context: SourceContext): Promise<void> {
    this.#context = context
    context.signal.addEventListener('abort', () => this.#wake?.(), { once: true })
    refuseWhatQueuesCannot(config, context)
    const where = whereOf(config)
    const lost = (error: BrokerError): void => this.#fail(lostError(error, where))
    // Publishers alone are blocked.
    const events = { lost, blocked: () => undefined, unblocked: () => undefined }
    const broker = await connectTo(config, context, where, events)
    this.#broker = broker
    await prepare(broker, config, where)
    const prefetch = config.prefetchCount || DEFAULT_PREFETCH
    this.#lastProgress = performance.now()
    const what = `read from queue '${config.queueName}'`
    try {
      this.#consumption = await broker.consume(
        {
          queue: config.queueName,
          prefetch,
          global: config.prefetchGlobal,
          arguments: config.queueType === 'stream' ? startOf(context.offsets.get(config.queueName)) : {},
        },
        {
          delivery: delivery => this.#take(delivery, config),
          ended: error => this.#fail(endOf(error, what, where)),
        },
      )
    } catch (error) {
      throw error instanceof BrokerError ? brokerProblem(error, what, where, 'create the queue') : error
    }
    if (config.stallTimeout > 0) this.#watch(config.stallTimeout, prefetch, what)
    context.logger.info(`connected to ${broker.title} at ${where.url}`, { queue: config.queueName, prefetch })
  }

  async read(): Promise<readonly SourceRecord<Buffer>[]> {
    const signal = this.#context?.signal
    while (!signal?.aborted) {
      if (this.#received.length > 0) return this.#received.splice(0, MAX_READ)
      if (this.#failure) throw this.#failure
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
    return []
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#acks.flush()
    const broker = this.#broker
    this.#broker = undefined
    await this.#consumption?.close()
    await broker?.close()
  }

  #take(delivery: Delivery, { queueName, queueType }: SourceConfig): void {
    const { tag } = delivery
    this.#acks.delivered(tag)
    this.#lastProgress = performance.now()
    if (queueType !== 'stream' && STREAM_OFFSET in delivery.headers) {
      this.#fail(
        new ConfigError([
          { path: 'queueType', message: `must be stream, for ${queueName} is one; its place is kept by offset then` },
        ]),
      )
      return
    }
    this.#received.push({
      ...recordOf(delivery, queueName),
      ack: () => {
        this.#lastProgress = performance.now()
        this.#acks.ack(tag)
      },
      fail: () => {
        this.#lastProgress = performance.now()
        this.#acks.requeue(tag)
      },
    })
    this.#wake?.()
  }

  #fail(error: Error): void {
    this.#failure ??= error
    // What waits here was not passed on, and its channel is gone: it comes again.
    this.#received = []
    this.#wake?.()
  }

  /**
   * The server hands over nothing while the prefetch is used up. Where the runtime asks for more at that time, and
   * nothing is acknowledged for long, acknowledgements have been lost, and nothing would ever move again.
   */
  #watch(stallTimeout: number, prefetch: number, what: string): void {
    const look = (): void => {
      const idle = Math.round(performance.now() - this.#lastProgress)
      if (!this.#wake || this.#acks.unsettled < prefetch || idle < stallTimeout) return
      this.#context?.metrics.record('stalls', 1)
      const message = `stalled: cannot ${what} because ${prefetch} messages are out and none was acknowledged for ${idle} ms; the messages are handed out again over a new connection`
      this.#fail(new ConnectionError(message, { code: 'PIO_RABBITMQ_STALLED' }))
    }
    this.#timer = setInterval(look, Math.min(LOOK_EVERY_MS, Math.max(1, stallTimeout / 4)))
    this.#timer.unref()
  }
}

function refuseWhatQueuesCannot({ queueType }: SourceConfig, { guarantee, numInstances }: SourceContext): void {
  if (guarantee === 'EFFECTIVELY_ONCE' && queueType !== 'stream')
    throw new ConfigError([
      {
        path: 'processingGuarantees',
        message:
          'the rabbitmq source cannot keep EFFECTIVELY_ONCE for a queue: a message that comes again has nothing to recognise it by; use ATLEAST_ONCE, or a queue of type stream, whose messages are numbered (queueType: stream)',
      },
    ])
  if (queueType === 'stream' && numInstances > 1)
    throw new ConfigError([
      {
        path: 'parallelism',
        message: `must be 1 for a stream, got ${numInstances}: each instance would read all of it`,
      },
    ])
}

/** Behind the last message that is in the topic; the beginning for who comes first. */
function startOf(last: Offset | undefined): { readonly [STREAM_OFFSET]: number | string } {
  const offset = last?.offset
  return { [STREAM_OFFSET]: typeof offset === 'number' ? offset + 1 : 'first' }
}

/** The end of a consumer always means to begin again: what stands in the way is found, and said, when opening. */
function endOf(error: BrokerError, what: string, where: Where): Error {
  if (error.scope !== 'channel') return lostError(error, where)
  return new ConnectionError(`${where.url} ended the consumer that was to ${what}: ${error.message}`, {
    code: 'PIO_RABBITMQ_CONSUMER_ENDED',
  })
}

/** Declares what the configuration names, or looks whether it is there. */
async function prepare(broker: Broker, config: SourceConfig, where: Where): Promise<void> {
  const { queueName: name, passive, durable, exclusive, autoDelete, queueType, queueArguments } = config
  const { exchangeName, exchangeType, routingKey } = config
  if (passive) {
    const fix = 'create it, correct queueName, or set passive: false'
    await ensure(broker, { kind: 'existing queue', name }, where, fix)
  } else {
    const type = queueType === 'default' ? {} : { 'x-queue-type': queueType }
    const fix =
      'set durable, exclusive, autoDelete, queueType and queueArguments to what it has, or passive: true to take the queue as it is'
    const queue = { name, durable, exclusive, autoDelete, arguments: { ...type, ...queueArguments } }
    await ensure(broker, { kind: 'queue', ...queue }, where, fix)
  }
  if (exchangeName === '') return
  await (exchangeType === ''
    ? ensure(broker, { kind: 'existing exchange', name: exchangeName }, where, 'create it, or set exchangeType')
    : ensure(
        broker,
        { kind: 'exchange', name: exchangeName, type: exchangeType },
        where,
        'set exchangeType to what it is, or leave it out to take the exchange as it is',
      ))
  await ensure(broker, { kind: 'binding', queue: name, exchange: exchangeName, routingKey }, where, '')
}
