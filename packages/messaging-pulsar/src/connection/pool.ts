import type { ConnectionOptions } from 'node:tls'
import { isConnectorError } from '@pulsar-io/sdk/core'
import { handshakeError, namedError, ServerFailure, unreachableError } from '../errors.ts'
import { Connection } from './connection.ts'
import type { Credentials } from './credentials.ts'
import { type Address, dial } from './dial.ts'
import { tlsFailure } from './tls-options.ts'

/** What all connections of a client have in common. */
export interface PoolSettings {
  /** `host:port` of each host of the service URL. */
  readonly hosts: readonly string[]
  /** Whether brokers are spoken to with TLS. */
  readonly secure: boolean
  readonly authentication: Credentials | undefined
  /** TLS towards a host; called when `secure`. */
  readonly tls: (host: string) => Promise<ConnectionOptions>
  readonly mapAddress: ((broker: string) => string) | undefined
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly keepAliveMs: number
  readonly clientVersion: string
  readonly report: (error: unknown) => void
}

/** Who serves a topic: the broker, and the address that leads to it (another one behind a proxy). */
export interface BrokerAddress {
  /** `host:port` of the broker. */
  readonly broker: string
  /** `host:port` to connect to. */
  readonly via: string
}

/** One connection for each broker, made when it is needed and made again when it broke. */
export class ConnectionPool {
  readonly settings: PoolSettings
  private readonly connections = new Map<string, Promise<Connection>>()
  private closed: Error | undefined
  private turn: number

  constructor(settings: PoolSettings) {
    this.settings = settings
    // Many clients with the same list of hosts shall not all begin with the first.
    this.turn = Math.floor(Math.random() * settings.hosts.length)
  }

  /** A connection to any host of the service URL; all of them are tried. */
  async service(): Promise<{ readonly connection: Connection; readonly address: string }> {
    const { hosts } = this.settings
    let failure: unknown
    for (let i = 0; i < hosts.length; i += 1) {
      const address = hosts[this.turn % hosts.length] as string
      try {
        return { connection: await this.get({ broker: address, via: address }), address }
      } catch (error) {
        failure = error
        this.turn += 1
      }
    }
    throw failure
  }

  /** The connection to a broker. */
  async get(address: BrokerAddress): Promise<Connection> {
    if (this.closed !== undefined) throw this.closed
    const key = `${address.broker}|${address.via}`
    const known = this.connections.get(key)
    if (known !== undefined) return known
    const opening = this.open(address, () => {
      if (this.connections.get(key) === opening) this.connections.delete(key)
    })
    this.connections.set(key, opening)
    try {
      return await opening
    } catch (error) {
      if (this.connections.get(key) === opening) this.connections.delete(key)
      throw error
    }
  }

  /** Ends all connections. */
  async close(error: Error): Promise<void> {
    this.closed = error
    const all = await Promise.allSettled(this.connections.values())
    for (const one of all) if (one.status === 'fulfilled') one.value.fail(error)
  }

  private async open(address: BrokerAddress, onClose: () => void): Promise<Connection> {
    const { settings } = this
    const proxied = address.broker !== address.via
    const broker = proxied ? `${address.broker} (through ${address.via})` : address.broker
    const connection = new Connection({
      broker,
      proxyTo: proxied ? address.broker : undefined,
      authentication: settings.authentication,
      requestTimeoutMs: settings.requestTimeoutMs,
      keepAliveMs: settings.keepAliveMs,
      clientVersion: settings.clientVersion,
      report: settings.report,
    })
    connection.onClose(onClose)
    const deadline = setTimeout(
      () => connection.fail(new Error(`no handshake within ${settings.connectTimeoutMs} ms`)),
      settings.connectTimeoutMs,
    )
    try {
      const socket = await dial(connection, await this.resolve(address.via), settings.connectTimeoutMs)
      await connection.start(socket)
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error))
      connection.fail(failure)
      if (failure instanceof ServerFailure) {
        throw namedError(failure, { action: `cannot connect to ${broker}${await this.shownAs()}` })
      }
      if (isConnectorError(failure) && failure.code === 'PIO_PULSAR_CONNECTION') {
        throw handshakeError(broker, settings.secure, failure)
      }
      throw namedErrorOr(failure, () => tlsFailure(broker, failure) ?? unreachableError(broker, failure))
    } finally {
      clearTimeout(deadline)
    }
    return connection
  }

  /** ` with the token of …`, for the message about a refusal. */
  private async shownAs(): Promise<string> {
    // Credentials that cannot be read any more say nothing about why the broker refused the ones it saw.
    const who = await this.settings.authentication?.describe?.().catch(() => undefined)
    return who === undefined ? '' : ` with ${who}`
  }

  private async resolve(address: string): Promise<Address> {
    const via = this.settings.mapAddress?.(address) ?? address
    const colon = via.lastIndexOf(':')
    const host = via.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
    const port = Number(via.slice(colon + 1))
    return { host, port, ...(this.settings.secure ? { tls: await this.settings.tls(host) } : {}) }
  }
}

/** The error itself where it has a name already. */
function namedErrorOr(error: Error & { readonly code?: unknown }, otherwise: () => Error): Error {
  return typeof error.code === 'string' && error.code.startsWith('PIO_') ? error : otherwise()
}
