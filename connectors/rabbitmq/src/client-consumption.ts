import type { Channel, ConsumeMessage, Message } from 'amqplib'
import { brokerError, farewell } from './client-common.ts'
import { BrokerError, type ConsumeEvents, type ConsumeOptions, type Consumption, type Delivery } from './port.ts'

/** A consumer on a channel of its own. */
export class AmqpConsumption implements Consumption {
  readonly #channel: Channel
  #over = false

  private constructor(channel: Channel) {
    this.#channel = channel
  }

  static async start(
    channel: Channel,
    { queue, prefetch, global, arguments: more }: ConsumeOptions,
    events: ConsumeEvents,
    lost: () => BrokerError | undefined,
  ): Promise<AmqpConsumption> {
    const consumption = new AmqpConsumption(channel)
    let failure: BrokerError | undefined
    const end = (): void => {
      if (consumption.#over) return
      consumption.#over = true
      events.ended(failure ?? lost() ?? new BrokerError('the channel was closed', 'channel'))
    }
    channel.on('error', error => {
      failure ??= brokerError(error, 'channel')
    })
    const onMessage = (message: ConsumeMessage | null): void => {
      if (message) events.delivery(deliveryOf(message))
      else {
        // basic.cancel: the server ended the consumer, and nothing else.
        failure ??= new BrokerError(`the server ended reading from queue '${queue}': was it deleted?`, 'channel', 404)
        end()
      }
    }
    try {
      await channel.prefetch(prefetch, global)
      await channel.consume(queue, onMessage, { arguments: more })
    } catch (error) {
      throw lost() ?? failure ?? brokerError(error, 'channel')
    }
    // A connection that ends closes its channels first and tells why after, in the same breath.
    channel.on('close', () => queueMicrotask(end))
    return consumption
  }

  ack(tag: number, multiple: boolean): void {
    if (!this.#over) this.#channel.ack(messageOf(tag), multiple)
  }

  requeue(tag: number): void {
    if (!this.#over) this.#channel.nack(messageOf(tag), false, true)
  }

  async close(): Promise<void> {
    if (this.#over) return
    this.#over = true
    await farewell(this.#channel)
  }
}

/** The client wants a message, of which it looks at the tag alone. */
function messageOf(deliveryTag: number): Message {
  return { fields: { deliveryTag } } as Message
}

function deliveryOf({ content, fields, properties }: ConsumeMessage): Delivery {
  return {
    tag: fields.deliveryTag,
    body: content,
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    consumerTag: fields.consumerTag,
    redelivered: fields.redelivered,
    headers: properties.headers ?? {},
    properties: properties as unknown as Delivery['properties'],
  }
}
