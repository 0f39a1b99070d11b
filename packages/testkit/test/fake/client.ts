import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { AuthError, ConfigError, ConnectionError, ConnectorError } from '@pulsar-io/sdk'
import type { Answer, Request } from './server.ts'

export interface FakeConfig {
  readonly address: string
  readonly table: string
  readonly password: string
}

/** One connection; answers come in the order of requests. */
export class FakeClient {
  readonly #socket: Socket
  readonly #address: string
  readonly #open: { resolve(answer: Answer): void; reject(error: Error): void }[] = []
  #broken: ConnectionError | undefined

  private constructor(socket: Socket, address: string) {
    this.#socket = socket
    this.#address = address
    createInterface(socket)
      .on('line', line => this.#open.shift()?.resolve(JSON.parse(line) as Answer))
      // The socket tells of the same error.
      .on('error', () => undefined)
    socket.on('error', error => this.#break(error.message))
    socket.on('close', () => this.#break('closed'))
  }

  static async connect(config: FakeConfig, signal: AbortSignal, fence = false): Promise<FakeClient> {
    const [host = '', port = ''] = config.address.split(':')
    const socket = connect({ host, port: Number(port) })
    const client = new FakeClient(socket, config.address)
    const stop = () => socket.destroy()
    signal.addEventListener('abort', stop)
    try {
      const { error } = await client.ask({ password: config.password, table: config.table, fence })
      if (error === 'auth') throw new AuthError(`${config.address} does not accept the password`)
      if (error === 'missing')
        throw new ConfigError([{ path: 'table', message: `${config.table} is not at ${config.address}; create it` }])
      return client
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  async ask(request: Request): Promise<Answer> {
    if (this.#broken) throw this.#broken
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#open.push({ resolve, reject })
      this.tell(request)
    })
    if (answer.error === 'fenced') throw new ConnectorError('PIO_FENCED', 'stop', 'another instance took over')
    return answer
  }

  tell(request: Request): void {
    this.#socket.write(`${JSON.stringify(request)}\n`)
  }

  async close(): Promise<void> {
    if (this.#socket.destroyed) return
    await new Promise<void>(resolve => {
      this.#socket.once('close', () => resolve())
      this.#socket.destroy()
    })
  }

  #break(reason: string): void {
    this.#broken ??= new ConnectionError(`${this.#address}: ${reason}`)
    for (const { reject } of this.#open.splice(0)) reject(this.#broken)
  }
}
