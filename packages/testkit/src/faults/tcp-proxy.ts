import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Which way bytes go: `up` from the client to the server, `down` from the server to the client. */
export type Direction = 'up' | 'down'

/** Sockets between a client and a server, and what goes wrong on them. */
export interface TcpProxy {
  readonly host: string
  readonly port: number
  /** The target's URL with the proxy's host and port. */
  readonly url: string
  /** Connections that were taken in so far. */
  readonly connections: number
  /** Connections that were cut so far. */
  readonly cuts: number
  /** Milliseconds that each piece towards the server waits. */
  latencyMs: number
  /** Bytes that go through per second, in each direction of each connection; 0 is no limit. */
  bytesPerSecond: number
  /** Resets a connection after so many bytes towards the server; 0 never does. */
  cutAfterBytes: number
  /** Takes connections in and lets nothing through, as a firewall does that swallows packets. */
  silent: boolean
  /** Resets, once, the connection over which the next `bytes` bytes in that direction are full. */
  cutOnce(bytes: number, direction?: Direction): void
  /** Resets every open connection. */
  cutAll(): void
  /** Ends the writing side of every open connection towards the client, and goes on reading from it. */
  halfClose(): void
  /** Resets every open connection and refuses new ones, as a machine does on which the server is down. */
  interrupt(): Promise<void>
  /** Takes connections in again, at the same port, and ends every fault that was set. */
  restore(): Promise<void>
  close(): Promise<void>
}

/**
 * Starts a proxy on 127.0.0.1 in front of `target`: a URL with a port, or `host:port`.
 *
 * @param port where it listens, for a server that tells its clients an address of its own; default: any free one
 */
export async function tcpProxy(target: string, port = 0): Promise<TcpProxy> {
  const proxy = new LocalProxy(target)
  await proxy.listen(port)
  return proxy
}

interface Pair {
  readonly client: Socket
  readonly upstream: Socket
}

class LocalProxy implements TcpProxy {
  readonly host = '127.0.0.1'
  port = 0
  connections = 0
  cuts = 0
  latencyMs = 0
  bytesPerSecond = 0
  cutAfterBytes = 0
  silent = false
  readonly #target: URL
  readonly #pairs = new Set<Pair>()
  #once: { direction: Direction; left: number } | undefined
  #server: Server | undefined

  constructor(target: string) {
    this.#target = new URL(target.includes('://') ? target : `tcp://${target}`)
    if (this.#target.port === '') throw new RangeError(`${target} names no port`)
  }

  get url(): string {
    return `${this.#target.protocol}//${this.host}:${this.port}`
  }

  async listen(port: number): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, client => this.#take(client))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, this.host, () => resolve())
    })
    this.#server = server
    this.port = (server.address() as AddressInfo).port
  }

  cutOnce(bytes: number, direction: Direction = 'up'): void {
    this.#once = { direction, left: bytes }
  }

  cutAll(): void {
    for (const pair of this.#pairs) this.#cut(pair)
  }

  halfClose(): void {
    for (const { client } of this.#pairs) client.end()
  }

  async interrupt(): Promise<void> {
    const closed = this.#closeServer()
    this.cutAll()
    await closed
  }

  async restore(): Promise<void> {
    this.latencyMs = 0
    this.bytesPerSecond = 0
    this.cutAfterBytes = 0
    this.silent = false
    this.#once = undefined
    if (!this.#server) await this.listen(this.port)
  }

  async close(): Promise<void> {
    const closed = this.#closeServer()
    for (const { client, upstream } of this.#pairs) {
      client.destroy()
      upstream.destroy()
    }
    await closed
  }

  #closeServer(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    return new Promise(resolve => (server ? server.close(() => resolve()) : resolve()))
  }

  #take(client: Socket): void {
    this.connections++
    const port = Number(this.#target.port)
    const host = this.#target.hostname.replace(/^\[|\]$/g, '')
    const pair: Pair = { client, upstream: createConnection({ host, port, allowHalfOpen: true }) }
    this.#pairs.add(pair)
    for (const socket of [pair.client, pair.upstream]) {
      // Resets are what this is for.
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#pairs.delete(pair)
        pair.client.destroy()
        pair.upstream.destroy()
      })
    }
    this.#pump(pair, 'up')
    this.#pump(pair, 'down')
  }

  /** Carries the bytes of one direction, piece by piece, so that a slow receiver slows the sender. */
  #pump(pair: Pair, direction: Direction): void {
    const [from, to] = direction === 'up' ? [pair.client, pair.upstream] : [pair.upstream, pair.client]
    let bytes = 0
    let chain: Promise<void> = Promise.resolve()
    from.on('data', (piece: Buffer) => {
      from.pause()
      bytes += piece.length
      const past = bytes
      chain = chain.then(async () => {
        const over = this.#overBy(past, piece.length, direction)
        if (over !== undefined) {
          // A part still gets through: the receiver sees it begin and never end.
          to.write(piece.subarray(0, Math.max(0, piece.length - over)), () => this.#cut(pair))
          return
        }
        if (direction === 'up' && this.latencyMs > 0) await sleep(this.latencyMs)
        if (this.bytesPerSecond > 0) await sleep((piece.length / this.bytesPerSecond) * 1000)
        if (!this.silent && !to.destroyed && !to.write(piece)) await drained(to)
        from.resume()
      })
    })
    from.on('end', () => {
      chain = chain.then(() => {
        if (!to.destroyed) to.end()
      })
    })
  }

  /** By how many bytes a piece goes beyond where its connection is to be cut; undefined while it may go through. */
  #overBy(bytes: number, length: number, direction: Direction): number | undefined {
    if (direction === 'up' && this.cutAfterBytes > 0 && bytes > this.cutAfterBytes) return bytes - this.cutAfterBytes
    const once = this.#once
    if (once?.direction !== direction) return undefined
    if (length <= once.left) {
      once.left -= length
      return undefined
    }
    this.#once = undefined
    return length - once.left
  }

  #cut({ client, upstream }: Pair): void {
    if (client.destroyed) return
    this.cuts++
    client.resetAndDestroy()
    upstream.destroy()
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.once('drain', done)
    socket.once('close', done)
  })
}
