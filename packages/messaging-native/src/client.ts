import type {
  ConsumerOptions,
  KeyValueStore,
  MessagingClient,
  ProducerOptions,
  Reader,
  ReaderOptions,
  Topics,
} from '@pulsar-io/messaging'
import type { PulsarClient } from '@pulsar-io/messaging-pulsar'
import type { Addon, AddonClient } from './addon.ts'
import { NATIVE_CAPABILITIES } from './capabilities.ts'
import type { NativeConsumer } from './consumer.ts'
import { closedError, namedError } from './errors.ts'
import { openProducer } from './open-producer.ts'
import type { NativeOptions } from './options.ts'
import type { NativeProducer } from './producer.ts'
import { subscribe } from './subscribe.ts'

interface Closable {
  close(): Promise<void>
}

/**
 * A client of one cluster: producers and consumers are those of the addon; topics, readers and stores those of the
 * TypeScript client, which is connected to the same cluster.
 */
export class NativeClient implements MessagingClient {
  readonly capabilities = NATIVE_CAPABILITIES
  readonly topics: Topics
  private readonly addon: Addon
  private readonly client: AddonClient
  private readonly pulsar: PulsarClient
  private readonly options: NativeOptions
  private readonly open = new Set<Closable>()
  private closing: Promise<void> | undefined

  constructor(addon: Addon, client: AddonClient, pulsar: PulsarClient, options: NativeOptions) {
    this.addon = addon
    this.client = client
    this.pulsar = pulsar
    this.options = options
    this.topics = pulsar.topics
  }

  async createProducer(options: ProducerOptions): Promise<NativeProducer> {
    this.refuseClosed()
    return this.keep(await openProducer(this.client, options, this.options.producer ?? {}, this.forget))
  }

  async subscribe(options: ConsumerOptions): Promise<NativeConsumer> {
    this.refuseClosed()
    const context = {
      addon: this.addon,
      client: this.client,
      pulsar: this.pulsar,
      defaults: this.options.consumer ?? {},
      report: (error: unknown) => this.report(error),
    }
    return this.keep(await subscribe(context, options, this.forget))
  }

  createReader(options: ReaderOptions): Promise<Reader> {
    return this.pulsar.createReader(options)
  }

  openStore(name: string): Promise<KeyValueStore> {
    return this.pulsar.openStore(name)
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll()
    return this.closing
  }

  private async closeAll(): Promise<void> {
    const results = await Promise.allSettled([...this.open].map(one => one.close()))
    results.push(...(await Promise.allSettled([this.closeAddon(), this.pulsar.close()])))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  private async closeAddon(): Promise<void> {
    try {
      await this.client.close()
    } catch (error) {
      throw namedError(error, { action: 'closing the client of the addon' })
    }
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

  private report(error: unknown): void {
    this.options.logger?.warn(error instanceof Error ? error.message : String(error))
  }

  private refuseClosed(): void {
    if (this.closing !== undefined) throw closedError('the messaging client')
  }
}
