import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Emit, SourceContext } from '@pulsar-io/sdk'
import { Budget } from './budget.ts'
import { type FrameDecoder, LengthDecoder, LineDecoder, RawDecoder } from './framing.ts'
import { type Listener, listenTcp, tallyRefusals, trackSockets } from './listen.ts'
import type { Config } from './options.ts'
import { Tally } from './tally.ts'
import { TcpConnection } from './tcp-connection.ts'
import { tlsOptions } from './tls.ts'
import { toValue } from './values.ts'
import { settlesWithin } from './wait.ts'

/** Milliseconds of silence after which the operating system asks whether a client is still there. */
const KEEP_ALIVE_MS = 60_000

/** Takes records from TCP connections. */
export class TcpListener implements Listener {
  readonly #config: Config
  readonly #context: SourceContext
  readonly #emit: Emit
  readonly #tally: Tally
  readonly #connections = new Set<TcpConnection>()
  #sockets: ReadonlySet<Socket> = new Set()
  #server: Server | undefined

  constructor(config: Config, context: SourceContext, emit: Emit) {
    this.#config = config
    this.#context = context
    this.#emit = emit
    this.#tally = new Tally(context.logger, context.metrics)
  }

  async listen(): Promise<number> {
    const tls = await tlsOptions(this.#config.tls)
    const socketOptions = { allowHalfOpen: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }
    const onSocket = this.#acceptor()
    const server = tls ? createTlsServer({ ...socketOptions, ...tls }, onSocket) : createServer(socketOptions, onSocket)
    server.maxConnections = this.#config.maxConnections
    tallyRefusals(server, this.#tally)
    this.#sockets = trackSockets(server)
    this.#server = server
    return listenTcp(server, this.#config, this.#context)
  }

  async close(): Promise<void> {
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
    const { maxBufferedBytes, idleTimeout, remoteAddressProperty, schemaType } = this.#config
    const services = {
      emit: this.#emit,
      toValue: toValue(schemaType),
      tally: this.#tally,
      budget: new Budget(maxBufferedBytes),
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

  #decoder(): FrameDecoder {
    const { framing, lengthBytes, maxFrameBytes } = this.#config
    switch (framing) {
      case 'lines':
        return new LineDecoder(maxFrameBytes)
      case 'length':
        return new LengthDecoder(lengthBytes, maxFrameBytes)
      case 'raw':
        return new RawDecoder()
    }
  }
}
