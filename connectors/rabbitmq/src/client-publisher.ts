import type { ConfirmChannel, Message, Options } from 'amqplib'
import { brokerError, farewell } from './client-common.ts'
import { BrokerError, type Fate, type OutgoingMessage, type Publisher } from './port.ts'

/** What is known of the messages of one call. */
interface Flight {
  readonly messages: readonly OutgoingMessage[]
  readonly fates: (Fate | undefined)[]
  /** What the server said of those that it could not route; their confirm is still to come. */
  readonly returned: Map<number, string>
  /** The delivery tag of the first that was sent. */
  readonly firstTag: number
  /** The message of each delivery tag: those that do not fit are left out. */
  readonly sent: number[]
  /** How many of `sent` have no fate. */
  open: number
  /** All of `sent` before this one have a fate. */
  low: number
  done(): void
}

/**
 * Publishes over a channel in confirm mode. The driver's own bookkeeping of confirms is a callback per message; here it
 * is an index into the batch, because the server counts a channel's messages from 1.
 */
export class AmqpPublisher implements Publisher {
  readonly #channel: ConfirmChannel
  readonly #lost: () => BrokerError | undefined
  #nextTag = 1
  #flight: Flight | undefined
  #failure: BrokerError | undefined

  constructor(channel: ConfirmChannel, lost: () => BrokerError | undefined) {
    this.#channel = channel
    this.#lost = lost
    channel.on('error', error => {
      this.#failure ??= brokerError(error, 'channel')
    })
    channel.on('close', () => {
      // A connection that ends closes its channels first and tells why after, in the same breath.
      queueMicrotask(() => {
        this.#failure ??= lost() ?? new BrokerError('the channel was closed', 'channel')
        this.#flight?.done()
      })
    })
    channel.on('ack', ({ deliveryTag, multiple }) => this.#confirm(deliveryTag, multiple, 'confirmed'))
    channel.on('nack', ({ deliveryTag, multiple }) => this.#confirm(deliveryTag, multiple, 'nacked'))
    channel.on('return', message => this.#returned(message))
  }

  get failure(): BrokerError | undefined {
    return this.#failure ?? this.#lost()
  }

  async publish(messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<readonly Fate[]> {
    if (this.failure || signal.aborted) return messages.map(() => 'unknown')
    const ended = Promise.withResolvers<void>()
    const flight: Flight = {
      messages,
      fates: new Array<Fate | undefined>(messages.length),
      returned: new Map(),
      firstTag: this.#nextTag,
      sent: [],
      open: 0,
      low: 0,
      done: ended.resolve,
    }
    this.#flight = flight
    signal.addEventListener('abort', flight.done, { once: true })
    for (const [i, message] of messages.entries()) this.#send(message, i, flight)
    if (flight.open > 0) await ended.promise
    signal.removeEventListener('abort', flight.done)
    this.#flight = undefined
    return messages.map((_, i) => flight.fates[i] ?? 'unknown')
  }

  close(): Promise<void> {
    return farewell(this.#channel)
  }

  #send({ exchange, routingKey, body, mandatory, properties }: OutgoingMessage, i: number, flight: Flight): void {
    try {
      // What is not to be known of each message is bounded by the batch, so the buffer's fill level is of no interest.
      this.#channel.publish(exchange, routingKey, body, { ...properties, mandatory } as Options.Publish)
      this.#nextTag++
      flight.sent.push(i)
      flight.open++
    } catch (error) {
      // Thrown before a byte is sent: by the encoder for a value that does not fit, or because the channel is closed.
      const unfit = error instanceof RangeError || error instanceof TypeError
      flight.fates[i] = unfit ? { unfit: error.message } : 'unknown'
    }
  }

  #confirm(tag: number, multiple: boolean, fate: 'confirmed' | 'nacked'): void {
    const flight = this.#flight
    if (!flight) return
    const at = tag - flight.firstTag
    for (let place = multiple ? flight.low : at; place <= at; place++) settle(flight, place, fate)
    while (flight.low < flight.sent.length && flight.fates[flight.sent[flight.low] ?? 0] !== undefined) flight.low++
    if (flight.open === 0) flight.done()
  }

  /**
   * A message that no queue takes comes back right before it is confirmed, with all that was sent but its delivery tag.
   * Those that look the same are routed the same, so it is the first of them that has not come back.
   */
  #returned({ fields, properties }: Message): void {
    const flight = this.#flight
    if (!flight) return
    for (let place = flight.low; place < flight.sent.length; place++) {
      const i = flight.sent[place] ?? 0
      const message = flight.messages[i]
      if (flight.fates[i] !== undefined || flight.returned.has(i) || !message) continue
      if (message.routingKey !== fields.routingKey || message.properties.messageId !== properties.messageId) continue
      const { replyCode, replyText } = fields as unknown as { replyCode: number; replyText: string }
      flight.returned.set(i, `${replyCode} ${replyText}`)
      return
    }
  }
}

function settle(flight: Flight, place: number, fate: 'confirmed' | 'nacked'): void {
  const i = flight.sent[place]
  // A confirm of an earlier call that gave up waiting has no place here.
  if (i === undefined || flight.fates[i] !== undefined) return
  const returned = flight.returned.get(i)
  flight.fates[i] = returned !== undefined && fate === 'confirmed' ? { returned } : fate
  flight.open--
}
