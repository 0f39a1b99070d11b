import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'

/** Sockets between a client and a server, and what goes wrong on them. */
export interface TcpProxy {
  readonly url: string
  /** Connections that were taken in so far. */
  readonly connections: number
  /** Milliseconds that each piece towards the server waits. */
  latencyMs: number
  /** Resets a connection after so many bytes towards the server; 0 never does. */
  cutAfterBytes: number
  /** Takes connections in and lets nothing through, as a firewall does that swallows packets. */
  silent: boolean
  /** Connections that were cut so far. */
  readonly cuts: number
  /** Resets every open connection. */
  cutAll(): void
  close(): Promise<void>
}

/** Starts a proxy on a free port of 127.0.0.1 in front of `target` (`http://host:port`). */
export async function tcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port: targetPort } = new URL(target)
  const open = new Set<Socket>()
  const counted = { connections: 0, cuts: 0 }
  const server = createServer(client => {
    counted.connections++
    const upstream = createConnection({ host: hostname, port: Number(targetPort) })
    let bytes = 0
    let chain: Promise<void> = Promise.resolve()
    const both = [client, upstream]
    for (const socket of both) {
      open.add(socket)
      // Resets are what this is for.
      socket.on('error', () => undefined)
      socket.on('close', () => {
        open.delete(socket)
        for (const other of both) other.destroy()
      })
    }
    const cut = () => {
      counted.cuts++
      client.resetAndDestroy()
      upstream.destroy()
    }
    client.on('data', (piece: Buffer) => {
      bytes += piece.length
      const limit = proxy.cutAfterBytes
      if (limit > 0 && bytes > limit) {
        // A part of the request still gets through: the server sees it begin and never end.
        upstream.write(piece.subarray(0, Math.max(0, piece.length - (bytes - limit))), cut)
        return
      }
      const wait = proxy.latencyMs
      client.pause()
      chain = chain.then(async () => {
        if (wait > 0) await new Promise(done => setTimeout(done, wait))
        if (!proxy.silent) upstream.write(piece)
        client.resume()
      })
    })
    upstream.on('data', (piece: Buffer) => {
      if (!proxy.silent) client.write(piece)
    })
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const proxy: TcpProxy = {
    url: `http://127.0.0.1:${port}`,
    latencyMs: 0,
    cutAfterBytes: 0,
    silent: false,
    get connections() {
      return counted.connections
    },
    get cuts() {
      return counted.cuts
    },
    cutAll() {
      for (const socket of open) {
        counted.cuts++
        socket.resetAndDestroy()
      }
    },
    close() {
      for (const socket of open) socket.destroy()
      return new Promise(done => server.close(() => done()))
    },
  }
  return proxy
}
