import type { Consumer, MessagingClient } from '@pulsar-io/messaging'

const SUBSCRIPTION = 'pulsar-io-leader'

/**
 * A place in the line of those who would lead: a consumer of one Failover subscription, of which the messaging system
 * makes one the active one. Nothing is ever received.
 */
export class Seat {
  readonly #consumer: Consumer

  private constructor(consumer: Consumer) {
    this.#consumer = consumer
  }

  static async take(
    client: MessagingClient,
    topic: string,
    name: string,
    onChange: () => void,
    signal?: AbortSignal,
  ): Promise<Seat> {
    const consumer = await client.subscribe({
      topics: [topic],
      subscription: SUBSCRIPTION,
      type: 'Failover',
      initialPosition: 'Latest',
      name,
      ...(signal === undefined ? {} : { signal }),
    })
    consumer.onActiveChange(onChange)
    return new Seat(consumer)
  }

  /** Whether it is our turn. Somebody whose process stands still keeps it, so it cannot be all that counts. */
  get first(): boolean {
    return this.#consumer.active
  }

  close(): Promise<void> {
    return this.#consumer.close()
  }
}
