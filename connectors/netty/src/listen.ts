import type { Server, Socket } from 'node:net'
import { ConnectionError, ConnectorError, type SourceContext } from '@pulsar-io/sdk'
import type { Config } from './options.ts'
import type { Tally } from './tally.ts'

/** Something that takes records from the outside. */
export interface Listener {
  /** Starts to listen; returns the port. Throws a ConnectionError that names address and port. */
  listen(): Promise<number>
  /** Stops to listen, finishes what is under way within `closeTimeout`, and cuts off the rest. Never throws. */
  close(): Promise<void>
}

/**
 * Whether several instances listen on the same port, over which the operating system then spreads connections and
 * datagrams. A single instance does without, so that a second connector by mistake on its port is told so.
 */
export function sharesPort(context: SourceContext): boolean {
  return context.numInstances > 1
}

/** The connections of a server, also those whose TLS handshake is not through, which the server itself cannot close. */
export function trackSockets(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

/** Counts connections that a server turns away by itself. */
export function tallyRefusals(server: Server, tally: Tally): void {
  const refused = (what: string, detail: string, from: string | undefined) =>
    tally.add('netty_refused_connections', what, `${detail} (from ${from ?? 'unknown'})`)
  server.on('drop', peer =>
    refused('connection refused', `maxConnections, ${server.maxConnections}, are open`, peer?.remoteAddress),
  )
  server.on('tlsClientError', (error: Error, socket: Socket) => {
    refused('TLS handshake failed', error.message, socket.remoteAddress)
    socket.destroy()
  })
}

/** Starts a TCP server. Once it listens, its errors end the instance. */
export async function listenTcp(server: Server, config: Config, context: SourceContext): Promise<number> {
  const { host, port } = config
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(bindError(error, config)))
    server.listen({ host, port, ...(sharesPort(context) ? { reusePort: true } : {}) }, () => resolve())
  })
  server.removeAllListeners('error')
  server.on('error', error => context.fatal(listenError(error, config)))
  const address = server.address()
  return typeof address === 'object' && address ? address.port : port
}

/** What happened to a port that was fine at first. */
export function listenError(error: Error, { type, host, port }: Config): ConnectorError {
  return new ConnectionError(`listening on ${type} ${where(host, port)} failed: ${error.message}`, {
    code: 'PIO_NETTY_LISTEN',
    cause: error,
  })
}

/** Says what stands in the way of listening and what to do about it. The system's own words would add nothing to that. */
export function bindError(error: NodeJS.ErrnoException, config: Config): ConnectorError {
  const { type, host, port } = config
  const name = `${type} ${where(host, port)}`
  switch (error.code) {
    case 'EADDRINUSE':
      return new ConnectionError(
        `${name} is in use: stop the program that listens there (ss -${type === 'udp' ? 'u' : 't'}lnp shows it), or set another port`,
        { code: 'PIO_NETTY_PORT_IN_USE' },
      )
    case 'EADDRNOTAVAIL':
      return new ConnectionError(
        `${name}: ${host} is no address of this machine; set host to one of its own, or to 0.0.0.0 for all of them`,
        { code: 'PIO_NETTY_HOST_NOT_LOCAL' },
      )
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAFNOSUPPORT':
      return new ConnectionError(`${name}: the name ${host} has no usable address (${error.code}); correct host`, {
        code: 'PIO_NETTY_HOST_UNKNOWN',
      })
    case 'EACCES':
    case 'EPERM':
      return new ConnectionError(
        `${name}: not permitted; ports below 1024 need a privilege on most systems, so set a port from 1024 on`,
        { code: 'PIO_NETTY_PORT_DENIED' },
      )
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
    case 'ENOPROTOOPT':
      return new ConnectorError(
        'PIO_NETTY_PORT_SHARING',
        'stop',
        `${name}: this operating system does not let several instances share a port; set parallelism to 1`,
      )
    default:
      return listenError(error, config)
  }
}

/** `host:port`, with brackets around an IPv6 address. */
export function where(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
