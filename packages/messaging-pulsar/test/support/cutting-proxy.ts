import type { AddressInfo } from 'node:net'
import { connect, createServer, type ListenOptions, type Server, type Socket } from 'node:net'

/** A way to a broker that can be cut. */
export class CuttingProxy {
  readonly address: string
  private readonly server: Server
  private readonly pairs = new Set<readonly [Socket, Socket]>()
  /** New connections are refused while this is set. */
  refusing = false
  connections = 0

  private constructor(server: Server, address: string) {
    this.server = server
    this.address = address
  }

  /** Listens on a free port of 127.0.0.1, unless an address is given. */
  static async open(target: string, listen: ListenOptions = { host: '127.0.0.1', port: 0 }): Promise<CuttingProxy> {
    const { hostname, port } = new URL(target)
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(listen, resolve)
    })
    const { address, port: own } = server.address() as AddressInfo
    const proxy = new CuttingProxy(server, `${address}:${own}`)
    server.on('connection', inside => {
      if (proxy.refusing) {
        inside.destroy()
        return
      }
      proxy.connections += 1
      const outside = connect({ host: hostname, port: Number(port) })
      const pair = [inside, outside] as const
      proxy.pairs.add(pair)
      inside.pipe(outside)
      outside.pipe(inside)
      for (const socket of pair) {
        // A cut connection is what this is for.
        socket.on('error', () => undefined)
        socket.on('close', () => {
          proxy.pairs.delete(pair)
          for (const other of pair) other.destroy()
        })
      }
    })
    return proxy
  }

  /** Ends all connections in the middle of whatever they carry. */
  cut(): void {
    for (const pair of this.pairs) for (const socket of pair) socket.destroy()
  }

  /** What was sent does not arrive any more, and nobody hears of it. */
  stall(): void {
    for (const [inside, outside] of this.pairs) {
      inside.unpipe(outside)
      outside.unpipe(inside)
      inside.resume()
      outside.resume()
    }
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise(resolve => this.server.close(resolve))
  }
}
