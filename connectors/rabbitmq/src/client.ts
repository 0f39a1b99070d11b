import { type Channel, type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import { brokerError, farewell } from './client-common.ts'
import { AmqpConsumption } from './client-consumption.ts'
import { AmqpPublisher } from './client-publisher.ts'
import type {
  Address,
  Broker,
  BrokerError,
  ConnectionEvents,
  ConsumeEvents,
  ConsumeOptions,
  Consumption,
  Declaration,
  Publisher,
} from './port.ts'

/** Milliseconds that the last words of a connection have to get out. */
const LAST_WORDS_MS = 1_000

/** Connects and logs in; gives up when the signal aborts. Throws a {@link BrokerError} of scope `handshake`. */
export async function openBroker(address: Address, events: ConnectionEvents, signal: AbortSignal): Promise<Broker> {
  const { tls, timeoutMs } = address
  // The signal given to a socket ends it whenever it aborts; this one is for the time of opening alone.
  const opening = new AbortController()
  const giveUp = (): void => opening.abort()
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp, { once: true })
  // Goes to the socket, of which the client's types know the most usual options alone.
  const socket = {
    ...tls,
    ...(timeoutMs > 0 ? { timeout: timeoutMs } : {}),
    signal: opening.signal,
    noDelay: true,
    keepAlive: true,
    clientProperties: { connection_name: address.connectionName },
  }
  try {
    const model = await connect(
      {
        protocol: tls ? 'amqps' : 'amqp',
        hostname: address.host,
        port: address.port,
        username: address.username,
        password: address.password,
        // The client takes it for a part of a URL.
        vhost: encodeURIComponent(address.virtualHost),
        channelMax: address.channelMax,
        frameMax: address.frameMax,
        heartbeat: address.heartbeat,
      },
      socket,
    )
    return new AmqpBroker(model, events)
  } catch (error) {
    throw brokerError(error, 'handshake')
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

class AmqpBroker implements Broker {
  readonly title: string
  readonly #model: ChannelModel
  #lost: BrokerError | undefined
  #closing = false

  constructor(model: ChannelModel, events: ConnectionEvents) {
    const { product, version } = model.connection.serverProperties as { product?: string; version?: string }
    this.title = [product, version].filter(part => part !== undefined).join(' ')
    this.#model = model
    model.on('error', error => {
      this.#lost ??= brokerError(error, 'connection')
    })
    model.on('close', error => {
      this.#lost ??= brokerError(error ?? new Error('the connection was closed'), 'connection')
      if (!this.#closing) events.lost(this.#lost)
      // The client only says goodbye, which a dead peer never answers.
      setTimeout(() => this.#destroy(), LAST_WORDS_MS).unref()
    })
    model.on('blocked', reason => events.blocked(reason))
    model.on('unblocked', () => events.unblocked())
  }

  async declare(operation: Declaration): Promise<void> {
    const channel = await this.#open(() => this.#model.createChannel())
    try {
      await perform(channel, operation)
    } catch (error) {
      throw this.#lost ?? brokerError(error, 'channel')
    }
    await farewell(channel)
  }

  async publisher(): Promise<Publisher> {
    const channel = await this.#open(() => this.#model.createConfirmChannel())
    return new AmqpPublisher(channel as ConfirmChannel, () => this.#lost)
  }

  async consume(options: ConsumeOptions, events: ConsumeEvents): Promise<Consumption> {
    const channel = await this.#open(() => this.#model.createChannel())
    return AmqpConsumption.start(channel, options, events, () => this.#lost)
  }

  async close(): Promise<void> {
    this.#closing = true
    if (this.#lost) return
    await farewell(this.#model)
    if (!this.#lost) this.#destroy()
  }

  /** Ends the socket of a peer that does not answer, and with it the client's timers. The client has no call for it. */
  #destroy(): void {
    const { stream } = this.#model.connection as { readonly stream?: { destroy?(error?: Error): void } }
    stream?.destroy?.(this.#lost ? undefined : new Error('the server does not answer'))
  }

  async #open<C extends Channel>(create: () => Promise<C>): Promise<C> {
    if (this.#lost) throw this.#lost
    try {
      const channel = await create()
      // What goes wrong is told by the calls, or listened to by whoever keeps the channel; nobody listening is fatal.
      channel.on('error', () => undefined)
      return channel
    } catch (error) {
      throw this.#lost ?? brokerError(error, 'connection')
    }
  }
}

async function perform(channel: Channel, operation: Declaration): Promise<void> {
  switch (operation.kind) {
    case 'exchange':
      await channel.assertExchange(operation.name, operation.type, { durable: true })
      return
    case 'existing exchange':
      await channel.checkExchange(operation.name)
      return
    case 'queue': {
      const { name, durable, exclusive, autoDelete } = operation
      await channel.assertQueue(name, { durable, exclusive, autoDelete, arguments: operation.arguments })
      return
    }
    case 'existing queue':
      await channel.checkQueue(operation.name)
      return
    case 'binding':
      await channel.bindQueue(operation.queue, operation.exchange, operation.routingKey)
  }
}
