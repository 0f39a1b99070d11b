/** What the connector needs of an AMQP client. `client.ts` is the only file that knows the vendor's. */

/** Why the server, or the way there, ended a connection or a channel, or refused an operation. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  /** AMQP reply code, for example 404; undefined where the server said nothing. */
  readonly replyCode: number | undefined
  /** What is over. `handshake`: there never was a connection. */
  readonly scope: 'handshake' | 'connection' | 'channel'
  /** Node's code of a socket error, for example `ECONNREFUSED`. */
  readonly socketCode: string | undefined

  constructor(
    message: string,
    scope: BrokerError['scope'],
    replyCode?: number | undefined,
    socketCode?: string | undefined,
  ) {
    super(message)
    this.scope = scope
    this.replyCode = replyCode
    this.socketCode = socketCode
  }
}

/** Where to connect, and as whom. */
export interface Address {
  readonly host: string
  readonly port: number
  readonly virtualHost: string
  readonly username: string
  readonly password: string
  readonly connectionName: string
  readonly channelMax: number
  readonly frameMax: number
  /** Seconds; 0 for none. */
  readonly heartbeat: number
  /** Milliseconds of silence while connecting; 0 for no limit. */
  readonly timeoutMs: number
  readonly tls: TlsSettings | undefined
}

/** Settings of a TLS connection, in Node's words. */
export interface TlsSettings {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly passphrase?: string
  readonly rejectUnauthorized?: boolean
  readonly checkServerIdentity?: () => undefined
}

/** What a connection tells on its own accord. */
export interface ConnectionEvents {
  /** The connection is over, not by {@link Broker.close}. Called once. */
  lost(error: BrokerError): void
  /** The server takes nothing from publishers until `unblocked`, for example for want of memory. */
  blocked(reason: string): void
  unblocked(): void
}

/** A connection. Failures are {@link BrokerError}s. */
export interface Broker {
  /** For example `RabbitMQ 3.13.7`. */
  readonly title: string
  /** Asks for one thing over a channel of its own, since a refusal ends the channel. */
  declare(operation: Declaration): Promise<void>
  publisher(): Promise<Publisher>
  consume(options: ConsumeOptions, events: ConsumeEvents): Promise<Consumption>
  close(): Promise<void>
}

/** Something that is to be there. */
export type Declaration =
  | { readonly kind: 'exchange'; readonly name: string; readonly type: string }
  | { readonly kind: 'existing exchange'; readonly name: string }
  | {
      readonly kind: 'queue'
      readonly name: string
      readonly durable: boolean
      readonly exclusive: boolean
      readonly autoDelete: boolean
      readonly arguments: TableFields
    }
  | { readonly kind: 'existing queue'; readonly name: string }
  | { readonly kind: 'binding'; readonly queue: string; readonly exchange: string; readonly routingKey: string }

/** Values of an AMQP table, as far as the connector writes them. */
export type TableFields = { readonly [name: string]: string | number | boolean }

/** A message on its way to an exchange. */
export interface OutgoingMessage {
  readonly exchange: string
  readonly routingKey: string
  readonly body: Buffer
  readonly mandatory: boolean
  readonly properties: MessageProperties
}

/** Properties of a message, in the words of AMQP. */
export interface MessageProperties {
  readonly headers?: { readonly [name: string]: string | boolean }
  readonly CC?: readonly string[]
  readonly BCC?: readonly string[]
  readonly persistent?: boolean
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly priority?: number
  readonly correlationId?: string
  readonly replyTo?: string
  readonly expiration?: string
  readonly messageId?: string
  /** Seconds since 1970. */
  readonly timestamp?: number
  readonly type?: string
  readonly appId?: string
}

/** What became of a published message. */
export type Fate =
  | 'confirmed'
  /** The server refused to take it in, for example because a queue is full. */
  | 'nacked'
  /** The channel or the connection ended first: nobody knows. */
  | 'unknown'
  /** Confirmed, but no queue got it. */
  | { readonly returned: string }
  /** It does not fit into the protocol, and was not sent. */
  | { readonly unfit: string }

/** A channel in confirm mode. */
export interface Publisher {
  /**
   * Publishes in order; one fate per message. Resolves when each is known, the channel or connection has ended, or the
   * signal aborts. One call at a time.
   */
  publish(messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<readonly Fate[]>
  /** Why the channel ended. */
  readonly failure: BrokerError | undefined
  close(): Promise<void>
}

export interface ConsumeOptions {
  readonly queue: string
  readonly prefetch: number
  /** The prefetch counts for the channel rather than for the consumer. */
  readonly global: boolean
  readonly arguments: { readonly [name: string]: string | number }
}

export interface ConsumeEvents {
  delivery(delivery: Delivery): void
  /** No more will come: the channel ended, or the server cancelled the consumer. Not called after `close`. */
  ended(error: BrokerError): void
}

/** A message that came out of a queue. */
export interface Delivery {
  readonly tag: number
  readonly body: Buffer
  readonly exchange: string
  readonly routingKey: string
  readonly consumerTag: string
  readonly redelivered: boolean
  readonly headers: { readonly [name: string]: unknown }
  readonly properties: { readonly [name: string]: unknown }
}

/** A running consumer. Calls after its end do nothing: the server hands out again what was not acknowledged. */
export interface Consumption {
  /** `multiple`: and all before it. */
  ack(tag: number, multiple: boolean): void
  /** Gives a message back to the queue. */
  requeue(tag: number): void
  close(): Promise<void>
}
