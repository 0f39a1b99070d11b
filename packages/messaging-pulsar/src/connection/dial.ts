import { connect as connectTcp, type Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { Connection } from './connection.ts'

/** Where to connect to. */
export interface Address {
  readonly host: string
  readonly port: number
  /** Present for `pulsar+ssl://`. */
  readonly tls?: ConnectionOptions | undefined
}

/**
 * Opens a socket that reads straight into the connection's slabs. Rejects with the error of the operating system or
 * of TLS, or after `timeoutMs`.
 */
export function dial(connection: Connection, address: Address, timeoutMs: number): Promise<Socket> {
  const { host, port, tls } = address
  const { frames } = connection
  const onread = {
    buffer: () => frames.room(),
    callback: (bytes: number) => {
      connection.receive(() => frames.filled(bytes))
      return true
    },
  }
  return new Promise((resolve, reject) => {
    const openTls = (options: ConnectionOptions): Socket => {
      // Loaded here: it takes longer than the rest of a connection, and most have none.
      const { connect } = process.getBuiltinModule('node:tls')
      // The types of node:tls leave `onread` out; TLS sockets take it as others do.
      return connect({ ...options, host, port, onread } as ConnectionOptions, ready)
    }
    const ready = () => {
      socket.setTimeout(0)
      resolve(socket)
    }
    const socket = tls === undefined ? connectTcp({ host, port, noDelay: true, onread }, ready) : openTls(tls)
    socket.setNoDelay(true)
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    let last: Error | undefined
    socket.once('error', error => {
      last = error
      reject(error)
    })
    // Later errors end in `close`, which the connection listens to.
    socket.on('error', () => undefined)
    socket.once('close', () => reject(last ?? new Error('closed by the other side')))
  })
}
