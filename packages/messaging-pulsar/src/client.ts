import type { Capabilities, KeyValueStore, MessagingClient, Topics } from '@pulsar-io/messaging'
import type { PulsarConsumer } from './consumer/consumer.ts'
import { openReader, type PulsarReaderOptions } from './consumer/open-reader.ts'
import type { PulsarConsumerOptions } from './consumer/options.ts'
import type { PulsarReader } from './consumer/reader.ts'
import { subscribe } from './consumer/subscribe.ts'
import type { ClientContext } from './context.ts'
import { closedError } from './errors.ts'
import type { PulsarOptions } from './options.ts'
import { openProducer } from './producer/open-producer.ts'
import type { PulsarProducerOptions } from './producer/options.ts'
import type { PulsarProducer } from './producer/producer.ts'
import type { SchemaCache } from './schemas.ts'
import { openStore } from './store/open-store.ts'
import { Coordinators } from './transaction/coordinators.ts'
import { Transaction } from './transaction/transaction.ts'

/**
 * What this driver can do. `deduplication` and `lastSequenceId` need a broker on which deduplication is on for the
 * namespace; an acknowledgement survives a crash of the broker only when its cursor was written, up to a second later.
 */
export const PULSAR_CAPABILITIES: Capabilities = {
  partitions: true,
  lastSequenceId: true,
  deduplication: true,
  seekByTime: true,
  nackDelay: true,
  transactions: true,
  durableAcks: false,
  tombstones: true,
  byteKeys: true,
  messageSchemas: true,
  messageSequenceIds: true,
  activeConsumer: true,
}

interface Closable {
  close(): Promise<void>
}

/** A client of one cluster. */
export class PulsarClient implements MessagingClient {
  readonly capabilities = PULSAR_CAPABILITIES
  readonly topics: Topics
  private readonly context: ClientContext
  private readonly options: PulsarOptions
  private readonly coordinators: Coordinators
  private readonly open = new Set<Closable>()
  private closing: Promise<void> | undefined

  constructor(context: ClientContext, topics: Topics, options: PulsarOptions) {
    this.context = context
    this.topics = topics
    this.options = options
    this.coordinators = new Coordinators(context)
  }

  /** Schemas of topics, as the broker's registry has them. */
  get schemas(): SchemaCache {
    return this.context.schemas
  }

  async createProducer(options: PulsarProducerOptions): Promise<PulsarProducer> {
    this.refuseClosed()
    const producer = await openProducer(this.context, options, this.options.producer ?? {}, this.forget)
    return this.keep(producer)
  }

  async subscribe(options: PulsarConsumerOptions): Promise<PulsarConsumer> {
    this.refuseClosed()
    const consumer = await subscribe(this.context, options, this.options.consumer ?? {}, this.forget)
    return this.keep(consumer)
  }

  async createReader(options: PulsarReaderOptions): Promise<PulsarReader> {
    this.refuseClosed()
    return this.keep(await openReader(this.context, options, this.forget))
  }

  /**
   * Begins a transaction, which the coordinator gives up after `timeoutMs` (default: the client's). Rejects with
   * `PIO_PULSAR_TRANSACTIONS` where brokers have transactions switched off.
   */
  async beginTransaction(timeoutMs = this.options.transactionTimeoutMs ?? 60_000): Promise<Transaction> {
    this.refuseClosed()
    return new Transaction(await this.coordinators.begin(timeoutMs), this.coordinators)
  }

  async openStore(name: string): Promise<KeyValueStore> {
    this.refuseClosed()
    return this.keep(await openStore(this.context, name, this.forget))
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll()
    return this.closing
  }

  private async closeAll(): Promise<void> {
    const results = await Promise.allSettled([...this.open].map(one => one.close()))
    await this.context.pool.close(closedError('the messaging client'))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  private readonly forget = (one: Closable): void => {
    this.open.delete(one)
  }

  private async keep<T extends Closable>(one: T): Promise<T> {
    if (this.closing !== undefined) {
      await one.close()
      throw closedError('the messaging client')
    }
    this.open.add(one)
    return one
  }

  private refuseClosed(): void {
    if (this.closing !== undefined) throw closedError('the messaging client')
  }
}
