import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Emit, SourceContext } from '@pulsar-io/sdk'
import { Budget } from './budget.ts'
import { type FrameDecoder, LengthDecoder, LineDecoder, RawDecoder } from './framing.ts'
import { Intake } from './intake.ts'
import { type Listener, listenTcp, tallyRefusals, trackSockets } from './listen.ts'
import type { Config } from './options.ts'
import { SyslogDecoder } from './syslog-framing.ts'
import { Tally } from './tally.ts'
import { TcpConnection } from './tcp-connection.ts'
import { tlsOptions } from './tls.ts'
import { toValue } from './values.ts'
import { settlesWithin } from './wait.ts'

/** Milliseconds of silence after which the operating system asks whether a client is still there. */
const KEEP_ALIVE_MS = 60_000

/** Bytes that a socket which is not read takes in at most, besides the piece that passes this: the least there is. */
const HIGH_WATER_MARK = 1

/** Looks at incomplete frames within `frameTimeout`. */
const LOOKS = 4

/** What is held in memory of all clients together. */
export interface Held {
  readonly connections: number
  /** Of records of which only a part came. */
  readonly incompleteBytes: number
  /** Of records that wait for the topic. */
  readonly waitingBytes: number
  /** Of sockets that are not read because the topic takes no more. */
  readonly unreadBytes: number
}

/** Takes records from TCP connections. */
export class TcpListener implements Listener {
  readonly #config: Config
  readonly #context: SourceContext
  readonly #emit: Emit
  readonly #tally: Tally
  readonly #budget: Budget
  readonly #intake: Intake
  readonly #connections = new Set<TcpConnection>()
  #sockets: ReadonlySet<Socket> = new Set()
  #server: Server | undefined
  #looking: NodeJS.Timeout | undefined

  constructor(config: Config, context: SourceContext, emit: Emit) {
    this.#config = config
    this.#context = context
    this.#emit = emit
    this.#tally = new Tally(context.logger, context.metrics)
    this.#budget = new Budget(config.maxBufferedBytes)
    this.#intake = new Intake(config.maxBufferedBytes)
  }

  /** What there is of clients at this moment. */
  get held(): Held {
    let unread = 0
    for (const connection of this.#connections) unread += connection.unread
    return {
      connections: this.#connections.size,
      incompleteBytes: this.#budget.used,
      waitingBytes: this.#intake.used,
      unreadBytes: unread,
    }
  }

  async listen(): Promise<number> {
    const tls = await tlsOptions(this.#config.tls)
    const socketOptions = {
      allowHalfOpen: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      highWaterMark: HIGH_WATER_MARK,
    }
    const onSocket = this.#acceptor()
    const server = tls ? createTlsServer({ ...socketOptions, ...tls }, onSocket) : createServer(socketOptions, onSocket)
    server.maxConnections = this.#config.maxConnections
    tallyRefusals(server, this.#tally)
    this.#sockets = trackSockets(server)
    this.#server = server
    this.#lookForSlow(this.#config.frameTimeout)
    return listenTcp(server, this.#config, this.#context)
  }

  async close(): Promise<void> {
    clearInterval(this.#looking)
    const server = this.#server
    const closed = new Promise<void>(resolve => (server?.listening ? server.close(() => resolve()) : resolve()))
    const connections = [...this.#connections]
    await settlesWithin(Promise.all(connections.map(connection => connection.stop())), this.#config.closeTimeout)
    for (const connection of this.#connections) connection.cutOff()
    if (this.#config.tls.enabled) for (const socket of this.#sockets) socket.destroySoon()
    await closed
    this.#tally.close()
  }

  #acceptor(): (socket: Socket) => void {
    const { idleTimeout, remoteAddressProperty, schemaType } = this.#config
    const services = {
      emit: this.#emit,
      toValue: toValue(schemaType),
      tally: this.#tally,
      budget: this.#budget,
      intake: this.#intake,
      idleTimeoutMs: idleTimeout,
      remoteAddressProperty,
      skipEmpty: schemaType === 'json',
    }
    return socket => {
      const connection = new TcpConnection(socket, this.#decoder(), services, () =>
        this.#connections.delete(connection),
      )
      this.#connections.add(connection)
    }
  }

  /** One timer for all, because most clients never are too slow. */
  #lookForSlow(timeoutMs: number): void {
    if (timeoutMs === 0) return
    this.#looking = setInterval(() => {
      const since = performance.now() - timeoutMs
      for (const connection of this.#connections) connection.expire(since)
    }, timeoutMs / LOOKS).unref()
  }

  #decoder(): FrameDecoder {
    const { framing, lengthBytes, maxFrameBytes } = this.#config
    switch (framing) {
      case 'lines':
        return new LineDecoder(maxFrameBytes)
      case 'length':
        return new LengthDecoder(lengthBytes, maxFrameBytes)
      case 'syslog':
        return new SyslogDecoder(maxFrameBytes)
      case 'raw':
        return new RawDecoder()
    }
  }
}
