import type { Socket } from 'node:net'
import { connectionLostError, ServerFailure } from '../errors.ts'
import { type Command, type CommandInput, type CommandName, type CommandOutput, MESSAGE } from '../wire/commands.ts'
import { commandEnd, commandNumber, decodeCommand, encodeCommand } from '../wire/frame.ts'
import { FrameReader } from '../wire/frame-reader.ts'
import { readMessageCommand } from '../wire/message-frame.ts'
import type { Credentials } from './credentials.ts'
import type { ConsumerHandler, ProducerHandler, TopicWatcher } from './handlers.ts'
import { Requests } from './requests.ts'

/** The version of the protocol that this client speaks: with topic migration and acknowledged acknowledgements. */
const PROTOCOL_VERSION = 21
/** What a broker takes at most unless it says otherwise. */
const DEFAULT_MAX_MESSAGE_BYTES = 5 * 1024 * 1024
/** Commands and metadata come on top of the largest message. */
const FRAME_PADDING = 10 * 1024 * 1024
/** Bytes that wait at most for the end of a turn of the event loop. */
const MAX_CORKED_BYTES = 256 * 1024

/** What a connection is made with. */
export interface ConnectionSettings {
  /** Names the broker in errors. */
  readonly broker: string
  /** Behind a proxy: the broker that it shall pass everything to, `host:port`. */
  readonly proxyTo: string | undefined
  readonly authentication: Credentials | undefined
  readonly requestTimeoutMs: number
  readonly keepAliveMs: number
  readonly clientVersion: string
  readonly report: (error: unknown) => void
}

/** Commands that have an answer. */
type RequestName = { [K in CommandName]: 'requestId' extends keyof CommandInput<K> ? K : never }[CommandName]

/** One connection to a broker: handshake, requests, and the producers and consumers that live on it. */
export class Connection {
  readonly broker: string
  maxMessageSize = DEFAULT_MAX_MESSAGE_BYTES
  protocolVersion = 0
  features: CommandOutput<'connected'>['featureFlags']
  private readonly settings: ConnectionSettings
  private readonly requests: Requests
  private readonly producers = new Map<number, ProducerHandler>()
  private readonly consumers = new Map<number, ConsumerHandler>()
  private readonly watchers = new Map<number, TopicWatcher>()
  private readonly closeListeners = new Set<() => void>()
  private socket: Socket | undefined
  private failure: Error | undefined
  private handshake: { resolve: () => void; reject: (error: unknown) => void } | undefined
  private keepAlive: NodeJS.Timeout | undefined
  private heard = true
  private asked = false
  private corked = false
  private corkedBytes = 0

  readonly frames: FrameReader

  constructor(settings: ConnectionSettings) {
    this.settings = settings
    this.broker = settings.broker
    this.requests = new Requests(settings.broker, settings.requestTimeoutMs)
    this.frames = new FrameReader(this.onFrame, DEFAULT_MAX_MESSAGE_BYTES + FRAME_PADDING)
  }

  get alive(): boolean {
    return this.failure === undefined && this.socket !== undefined
  }

  /** Introduces this client over a connected socket. Rejects with a {@link ServerFailure} or a connection error. */
  async start(socket: Socket): Promise<void> {
    if (this.failure !== undefined) {
      socket.destroy()
      throw this.failure
    }
    this.socket = socket
    socket.on('close', () => this.fail(connectionLostError(this.broker, 'closed by the other side')))
    const { authentication } = this.settings
    const authData = await authentication?.credentials()
    await new Promise<void>((resolve, reject) => {
      this.handshake = { resolve, reject }
      if (this.failure !== undefined) {
        reject(this.failure)
        return
      }
      this.send('connect', {
        clientVersion: this.settings.clientVersion,
        protocolVersion: PROTOCOL_VERSION,
        ...(authentication === undefined ? {} : { authMethodName: authentication.method, authData }),
        ...(this.settings.proxyTo === undefined ? {} : { proxyToBrokerUrl: this.settings.proxyTo }),
        featureFlags: {
          supportsAuthRefresh: true,
          supportsBrokerEntryMetadata: true,
          supportsPartialProducer: true,
          supportsTopicWatchers: true,
          supportsGetPartitionedMetadataWithoutAutoCreation: true,
        },
      })
    })
    this.keepAlive = setInterval(() => this.checkAlive(), this.settings.keepAliveMs).unref()
  }

  /** Bytes came in through {@link frames}; `read` hands them over. */
  receive(read: () => void): void {
    this.heard = true
    this.asked = false
    try {
      read()
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** Sends a command that has no answer. */
  send<K extends CommandName>(name: K, body: CommandInput<K>): void {
    this.write(encodeCommand(name, body))
  }

  /**
   * Sends a frame. What is written in one turn of the event loop goes out together, as long as it is not much: whoever
   * sends without ever waiting for anything outside keeps the turn from ending.
   */
  write(frame: Uint8Array): void {
    const { socket } = this
    if (socket === undefined || this.failure !== undefined) return
    if (!this.corked) {
      this.corked = true
      socket.cork()
      process.nextTick(this.uncork)
    }
    socket.write(frame)
    this.corkedBytes += frame.length
    if (this.corkedBytes >= MAX_CORKED_BYTES) this.uncork()
  }

  private readonly uncork = (): void => {
    if (!this.corked) return
    this.corked = false
    this.corkedBytes = 0
    this.socket?.uncork()
  }

  /**
   * Sends a request and resolves with the answer. Rejects with a {@link ServerFailure} when the broker refuses, with
   * `PIO_PULSAR_TIMEOUT` when it does not answer, with a connection error when it is gone.
   */
  async request<K extends RequestName, A extends CommandName>(
    name: K,
    body: Omit<CommandInput<K>, 'requestId'>,
    answerName: A,
    action: string,
  ): Promise<CommandOutput<A>> {
    if (this.failure !== undefined) throw this.failure
    const { id, answer } = this.requests.open(action)
    this.send(name, { ...body, requestId: id } as unknown as CommandInput<K>)
    return expectAnswer(await answer, answerName)
  }

  /** Sends a request whose answer nobody waits for. */
  tell<K extends RequestName>(name: K, body: Omit<CommandInput<K>, 'requestId'>): void {
    this.request(name, body, 'success', name).catch(() => undefined)
  }

  /**
   * The same for opening a producer: the broker may answer first that the producer has to wait for its turn; then
   * `onWait` is called, and the real answer has no time limit. An abort of the signal ends the wait.
   */
  async requestProducer(
    body: Omit<CommandInput<'producer'>, 'requestId'>,
    action: string,
    signal: AbortSignal | undefined,
  ): Promise<CommandOutput<'producerSuccess'>> {
    if (this.failure !== undefined) throw this.failure
    signal?.throwIfAborted()
    const { id, answer } = this.requests.open(action)
    const abort = () => this.requests.forget(id, signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      this.send('producer', { ...body, requestId: id })
      return expectAnswer(await answer, 'producerSuccess')
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  addProducer(id: number, handler: ProducerHandler): void {
    this.producers.set(id, handler)
  }

  removeProducer(id: number): void {
    this.producers.delete(id)
  }

  addConsumer(id: number, handler: ConsumerHandler): void {
    this.consumers.set(id, handler)
  }

  removeConsumer(id: number): void {
    this.consumers.delete(id)
  }

  addWatcher(id: number, watcher: TopicWatcher): void {
    this.watchers.set(id, watcher)
  }

  removeWatcher(id: number): void {
    this.watchers.delete(id)
  }

  /** Calls back once, when the connection is over. */
  onClose(listener: () => void): void {
    this.closeListeners.add(listener)
  }

  /** Ends the connection; everything on it hears of the error. */
  fail(error: Error): void {
    if (this.failure !== undefined) return
    this.failure = error
    clearInterval(this.keepAlive)
    this.socket?.destroy()
    this.handshake?.reject(error)
    this.requests.fail(error)
    const handlers = [...this.producers.values(), ...this.consumers.values(), ...this.watchers.values()]
    this.producers.clear()
    this.consumers.clear()
    this.watchers.clear()
    for (const listener of this.closeListeners) listener()
    for (const handler of handlers) handler.connectionLost(error)
  }

  private readonly onFrame = (buffer: Buffer, start: number, end: number): void => {
    const commandEnds = commandEnd(buffer, start, end)
    if (commandNumber(buffer, start + 4, commandEnds) === MESSAGE) {
      const frame = readMessageCommand(buffer, start + 4, commandEnds)
      this.consumers.get(frame.consumerId)?.message(frame, buffer, commandEnds, end)
      return
    }
    const command = decodeCommand(buffer, start + 4, commandEnds)
    if (command !== undefined) this.onCommand(command)
  }

  private onCommand(command: Command): void {
    switch (command.name) {
      case 'sendReceipt':
        this.producers.get(command.body.producerId)?.receipt(command.body)
        return
      case 'sendError':
        this.producers.get(command.body.producerId)?.sendError(command.body)
        return
      case 'ping':
        this.send('pong', {})
        return
      case 'pong':
        return
      case 'activeConsumerChange':
        this.consumers.get(command.body.consumerId)?.activeChange(command.body.isActive ?? false)
        return
      case 'reachedEndOfTopic':
        this.consumers.get(command.body.consumerId)?.endOfTopic()
        return
      case 'closeProducer':
        this.takeProducer(command.body.producerId)?.closedByBroker()
        return
      case 'closeConsumer':
        this.takeConsumer(command.body.consumerId)?.closedByBroker()
        return
      case 'topicMigrated':
        if (command.body.resourceType === 0) this.takeProducer(command.body.resourceId)?.closedByBroker()
        else this.takeConsumer(command.body.resourceId)?.closedByBroker()
        return
      case 'watchTopicUpdate':
        this.watchers.get(command.body.watcherId)?.update(command.body)
        return
      case 'connected':
        this.onConnected(command.body)
        return
      case 'authChallenge':
        this.answerChallenge().catch(error => this.fail(error instanceof Error ? error : new Error(String(error))))
        return
      case 'producerSuccess':
        if (command.body.producerReady === false) this.requests.extend(command.body.requestId)
        else this.requests.settle(command.body.requestId, command)
        return
      case 'error':
        if (this.handshake === undefined) this.requests.settle(command.body.requestId, command)
        else this.fail(new ServerFailure(command.body.error, command.body.message))
        return
      default: {
        const { requestId } = command.body as { readonly requestId?: number }
        if (requestId !== undefined) this.requests.settle(requestId, command)
      }
    }
  }

  private onConnected(connected: CommandOutput<'connected'>): void {
    if (connected.maxMessageSize !== undefined) this.maxMessageSize = connected.maxMessageSize
    this.frames.maxFrameSize = this.maxMessageSize + FRAME_PADDING
    this.protocolVersion = connected.protocolVersion ?? 0
    this.features = connected.featureFlags
    this.handshake?.resolve()
    this.handshake = undefined
  }

  /** The broker wants to see credentials again, since the earlier ones run out. */
  private async answerChallenge(): Promise<void> {
    const { authentication, clientVersion } = this.settings
    if (authentication === undefined) return
    const authData = await authentication.credentials()
    this.send('authResponse', {
      clientVersion,
      protocolVersion: PROTOCOL_VERSION,
      response: { authMethodName: authentication.method, authData },
    })
  }

  private takeProducer(id: number): ProducerHandler | undefined {
    const handler = this.producers.get(id)
    this.producers.delete(id)
    return handler
  }

  private takeConsumer(id: number): ConsumerHandler | undefined {
    const handler = this.consumers.get(id)
    this.consumers.delete(id)
    return handler
  }

  private checkAlive(): void {
    if (!this.heard && this.asked) {
      this.fail(connectionLostError(this.broker, `no answer to a ping for ${this.settings.keepAliveMs} ms`))
      return
    }
    if (!this.heard) {
      this.asked = true
      this.send('ping', {})
    }
    this.heard = false
  }
}

function expectAnswer<A extends CommandName>(command: Command, name: A): CommandOutput<A> {
  if (command.name === name) return command.body as CommandOutput<A>
  throw new ServerFailure(0, `a ${command.name} command came as the answer where ${name} belongs`)
}
