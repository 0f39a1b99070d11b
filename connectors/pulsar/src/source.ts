import type { Message } from '@pulsar-io/messaging'
import type { PulsarConsumer } from '@pulsar-io/messaging-pulsar'
import {
  ConfigError,
  ConnectionError,
  ConnectorError,
  comparePositions,
  defineSource,
  formatPosition,
  isConnectorError,
  type Offset,
  type Position,
  parsePosition,
  type Source,
  type SourceContext,
  type SourceRecord,
} from '@pulsar-io/sdk'
import { Acks } from './acks.ts'
import { type Connect, openClient } from './client.ts'
import { sequenceInPartition } from './sequence.ts'
import { type SourceConfig, sourceOptions } from './source-options.ts'
import { subscribe } from './subscribe.ts'
import { valueFrom } from './value.ts'

export const source = defineSource({
  name: 'pulsar',
  summary: 'Reads topics of the same or another Pulsar cluster, and acknowledges messages once they are in the topic.',
  config: sourceOptions,
  delivery: 'replayable',
  schema: ({ schemaType }) => ({ type: schemaType }),
  create: () => new PulsarSource(),
})

/** Records in one answer of `read` at most. */
const MAX_READ = 1000

/** Reads with one subscription. */
export class PulsarSource implements Source<SourceConfig> {
  readonly #connect: Connect | undefined
  #opened: Opened | undefined
  #close: (() => Promise<void>) | undefined

  constructor(connect?: Connect) {
    this.#connect = connect
  }

  async open(config: SourceConfig, context: SourceContext): Promise<void> {
    refuse(config, context)
    const client = await openClient(config, context, this.#connect)
    this.#close = () => client.close()
    this.#opened = new Opened(await subscribe(client, config, context), config, context)
    context.logger.info(`connected to Pulsar at ${config.serviceUrl}`)
  }

  async read(): Promise<readonly SourceRecord[]> {
    if (!this.#opened) throw new Error('the source is not open')
    return this.#opened.read()
  }

  async close(): Promise<void> {
    const [opened, close] = [this.#opened, this.#close]
    this.#opened = undefined
    this.#close = undefined
    await opened?.settled()
    await close?.()
  }
}

/** What there is between `open` and `close`. */
class Opened {
  readonly #consumer: PulsarConsumer | undefined
  readonly #config: SourceConfig
  readonly #context: SourceContext
  readonly #acks: Acks
  /** Records are published with numbers, in their order or not at all. */
  readonly #numbered: boolean
  readonly #resumeBehind: ReadonlyMap<string, Position>
  #failure: Error | undefined

  constructor(consumer: PulsarConsumer | undefined, config: SourceConfig, context: SourceContext) {
    this.#consumer = consumer
    this.#config = config
    this.#context = context
    this.#numbered = context.guarantee === 'EFFECTIVELY_ONCE'
    this.#resumeBehind = new Map(
      this.#numbered ? [...context.offsets].flatMap(([id, offset]) => positionOf(id, offset)) : [],
    )
    this.#acks = new Acks(
      async messages => consumer?.acknowledge(messages),
      error => context.logger.warn(`messages could not be acknowledged, and come again: ${(error as Error).message}`),
    )
  }

  async read(): Promise<readonly SourceRecord[]> {
    const { signal } = this.#context
    while (!signal.aborted) {
      if (this.#failure) throw this.#failure
      // An instance without a partition has nothing to do until it is told to stop.
      if (!this.#consumer) await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
      else {
        const messages = await this.#consumer.receive({ maxMessages: MAX_READ, signal })
        const records = messages.flatMap(message => this.#recordOf(message) ?? [])
        if (records.length > 0) return records
      }
    }
    return []
  }

  settled(): Promise<void> {
    return this.#acks.settled(this.#config.operationTimeout)
  }

  #recordOf(message: Message): SourceRecord | undefined {
    const { topic, partition, position, key, properties, eventTime } = message
    const partitionId = `${topic}-${partition}`
    const known = this.#resumeBehind.get(partitionId)
    if (known !== undefined && comparePositions(position, known) <= 0) {
      // Published by an earlier run whose acknowledgement got lost.
      this.#acks.add(message)
      return undefined
    }
    let value: unknown
    try {
      value = valueFrom(message.payload, this.#config.schemaType)
    } catch (error) {
      return this.#malformed(message, error)
    }
    return {
      value,
      key,
      properties,
      eventTime,
      partitionId,
      ...(this.#numbered
        ? { sequence: sequenceInPartition(partitionId, position), offset: { position: formatPosition(position) } }
        : {}),
      ack: () => this.#acks.add(message),
      fail: error => this.#failed(message, error),
    }
  }

  #malformed(message: Message, error: unknown): undefined {
    if (!isConnectorError(error)) throw error
    const { topic, partition, position } = message
    const where = `${topic}, partition ${partition}, position ${formatPosition(position)}`
    if (this.#config.onMalformed === 'fail') {
      throw new ConnectorError(
        'PIO_RECORD',
        'stop',
        `${where}: ${error.message}; set schemaType to what the topic holds, or onMalformed: skip to go on behind it`,
        { cause: error },
      )
    }
    this.#context.logger.warn(`skipped ${where}: ${error.message}`)
    this.#context.metrics.record('skipped', 1)
    this.#acks.add(message)
    return undefined
  }

  #failed(message: Message, error: Error): void {
    if (!this.#numbered) {
      this.#consumer?.negativeAcknowledge([message])
      return
    }
    // Behind later ones the topic would take it for one that it has seen: everything from here on has to come again.
    this.#failure ??= new ConnectionError(`a record of ${message.topic} could not be published: ${error.message}`, {
      code: 'PIO_CONNECTION',
      cause: error,
    })
  }
}

function positionOf(id: string, { position }: Offset): [string, Position][] {
  return typeof position === 'string' ? [[id, parsePosition(position)]] : []
}

/** What cannot be had together. Throws a ConfigError that lists everything. */
function refuse({ topicsPattern, subscriptionType }: SourceConfig, { guarantee, numInstances }: SourceContext): void {
  if (guarantee === 'EFFECTIVELY_ONCE') {
    if (topicsPattern === '' || numInstances === 1) return
    throw new ConfigError([
      {
        path: 'topicsPattern',
        message: 'not with EFFECTIVELY_ONCE and parallelism, where instances divide the topics: name them in topics',
      },
    ])
  }
  if (subscriptionType !== 'Exclusive' || numInstances === 1) return
  throw new ConfigError([
    {
      path: 'subscriptionType',
      message: `must be Shared, Failover or Key_Shared for ${numInstances} instances: Exclusive lets one of them read`,
    },
  ])
}
