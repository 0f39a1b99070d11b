import type {
  Addon,
  AddonClient,
  AddonConsumer,
  AddonConsumerConfig,
  AddonMessage,
  AddonMessageId,
  AddonOutgoing,
  AddonProducer,
  AddonProducerConfig,
} from '../../src/addon.ts'
import { formatMessageId, parseMessageId } from '../../src/message-id.ts'

/** A message as the addon would give it. */
export function fakeMessage(entryId: number, fields: { batchIndex?: number; text?: string; count?: number } = {}) {
  const position = { ledgerId: 1n, entryId: BigInt(entryId), batchIndex: fields.batchIndex ?? -1 }
  return {
    // As the addon does: an array with names as keys.
    getProperties: () => Object.assign([], { a: '1' }) as unknown as { [key: string]: string },
    getData: () => Buffer.from(fields.text ?? `m${entryId}`),
    getMessageId: () => fakeId(formatMessageId({ position, partition: -1 })),
    getPublishTimestamp: () => 5,
    getEventTimestamp: () => 0,
    getRedeliveryCount: () => fields.count ?? 0,
    getPartitionKey: () => '',
    getOrderingKey: () => '',
    getProducerName: () => 'p',
  } satisfies AddonMessage
}

function fakeId(bytes: Buffer): AddonMessageId {
  return { serialize: () => bytes }
}

/** A producer whose messages are confirmed or refused when the test says so. */
export class FakeProducer implements AddonProducer {
  readonly sent: AddonOutgoing[] = []
  closed = 0
  private readonly waiting: PromiseWithResolvers<AddonMessageId>[] = []

  send(message: AddonOutgoing): Promise<AddonMessageId> {
    this.sent.push(message)
    const waiting = Promise.withResolvers<AddonMessageId>()
    this.waiting.push(waiting)
    return waiting.promise
  }

  /** Confirms the message that was the `n`th to be sent; as a duplicate where `entryId` is -1. */
  async confirm(n: number, entryId = n): Promise<void> {
    const position = { ledgerId: entryId < 0 ? -1n : 1n, entryId: BigInt(entryId), batchIndex: -1 }
    this.waiting[n]?.resolve(fakeId(formatMessageId({ position, partition: -1 })))
    await turn()
  }

  async refuse(n: number, result: string): Promise<void> {
    this.waiting[n]?.reject(new Error(`Failed to send message: ${result}`))
    await turn()
  }

  getProducerName(): string {
    return 'fake'
  }

  async close(): Promise<unknown> {
    this.closed += 1
    for (const { reject } of this.waiting) reject(new Error('Failed to send message: AlreadyClosed'))
    return null
  }
}

/** A consumer that gives what a test puts in, and writes down what it is told. */
export class FakeConsumer implements AddonConsumer {
  readonly config: AddonConsumerConfig
  readonly told: string[] = []
  private queue: AddonMessage[] = []
  private waiting: PromiseWithResolvers<AddonMessage> | undefined

  constructor(config: AddonConsumerConfig) {
    this.config = config
  }

  async put(...messages: AddonMessage[]): Promise<void> {
    this.queue.push(...messages)
    const first = this.waiting === undefined ? undefined : this.queue.shift()
    if (first !== undefined) {
      this.waiting?.resolve(first)
      this.waiting = undefined
    }
    await turn()
  }

  /** Messages that nobody fetched. */
  get left(): number {
    return this.queue.length
  }

  receive(): Promise<AddonMessage> {
    const first = this.queue.shift()
    if (first !== undefined) return Promise.resolve(first)
    this.waiting = Promise.withResolvers()
    return this.waiting.promise
  }

  async batchReceive(): Promise<AddonMessage[]> {
    return this.queue.splice(0, this.config.batchReceivePolicy?.maxNumMessages ?? 1)
  }

  /** The broker ends it. */
  async end(result: string): Promise<void> {
    this.waiting?.reject(new Error(`Failed to receive message: ${result}`))
    await turn()
  }

  acknowledge = (message: AddonMessage) => this.note('ack', message.getMessageId())
  acknowledgeCumulative = (message: AddonMessage) => this.note('cumulative', message.getMessageId())
  negativeAcknowledge = (message: AddonMessage) => void this.note('nack', message.getMessageId())
  seek = (id: AddonMessageId) => this.note('seek', id)

  async seekTimestamp(time: number): Promise<unknown> {
    this.told.push(`seek time ${time}`)
    return null
  }

  async unsubscribe(): Promise<unknown> {
    this.told.push('unsubscribe')
    return null
  }

  async close(): Promise<unknown> {
    this.told.push('close')
    await this.end('AlreadyClosed')
    return null
  }

  private async note(what: string, id: AddonMessageId): Promise<unknown> {
    const { position } = parseMessageId(id.serialize())
    this.told.push(`${what} ${position.entryId}${position.batchIndex < 0 ? '' : `.${position.batchIndex}`}`)
    return null
  }
}

/** The addon, with a hand on what it opened. */
export function fakeAddon(partitions: (topic: string) => string[] = topic => [topic]) {
  const consumers: FakeConsumer[] = []
  const producers: (AddonProducerConfig & { readonly producer: FakeProducer })[] = []
  let refusal: string | undefined
  const refuse = () => {
    if (refusal !== undefined) throw new Error(`Failed: ${refusal}`)
  }
  const client: AddonClient = {
    createProducer: async config => {
      refuse()
      const producer = new FakeProducer()
      producers.push({ ...config, producer })
      return producer
    },
    subscribe: async config => {
      refuse()
      const consumer = new FakeConsumer(config)
      consumers.push(consumer)
      return consumer
    },
    getPartitionsForTopic: async topic => partitions(topic),
    close: async () => null,
  }
  const login = (kind: string) =>
    class {
      readonly kind = kind
      readonly params: object
      constructor(params: object) {
        this.params = params
      }
    }
  const addon: Addon = {
    Client: class {
      constructor() {
        Object.assign(this, client)
      }
    } as unknown as Addon['Client'],
    MessageId: {
      earliest: () =>
        fakeId(formatMessageId({ position: { ledgerId: -1n, entryId: -1n, batchIndex: -1 }, partition: -1 })),
      latest: () =>
        fakeId(formatMessageId({ position: { ledgerId: 9n, entryId: 99n, batchIndex: -1 }, partition: -1 })),
      deserialize: fakeId,
    },
    AuthenticationToken: login('token'),
    AuthenticationBasic: login('basic'),
    AuthenticationTls: login('tls'),
  }
  return {
    addon,
    client,
    consumers,
    producers,
    /** What opening is refused with from now on. */
    refuseWith: (result: string | undefined) => {
      refusal = result
    },
  }
}

/** Lets everything that is due happen. */
export function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(() => setImmediate(resolve)))
}
