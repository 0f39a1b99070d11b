import type { PulsarClient, PulsarProducer } from '@pulsar-io/messaging-pulsar'
import type { SinkContext } from '@pulsar-io/sdk'
import { openProducer } from './producers.ts'
import type { SinkConfig } from './sink-options.ts'

/** One producer for each target. */
export class SharedProducers {
  readonly #client: PulsarClient
  readonly #config: SinkConfig
  readonly #context: SinkContext
  readonly #producers = new Map<string, Promise<PulsarProducer>>()

  constructor(client: PulsarClient, config: SinkConfig, context: SinkContext) {
    this.#client = client
    this.#config = config
    this.#context = context
  }

  get(target: string): Promise<PulsarProducer> {
    let producer = this.#producers.get(target)
    if (producer) return producer
    const { producerName } = this.#config
    producer = openProducer(this.#client, this.#config, this.#context, {
      topic: target,
      // Two producers of one name exclude each other.
      ...(producerName === '' ? {} : { name: `${producerName}-${this.#context.instanceId}` }),
    })
    this.#producers.set(target, producer)
    // A failed one is made anew at the next try; who awaits it sees the error.
    producer.catch(() => this.#producers.delete(target))
    return producer
  }
}
