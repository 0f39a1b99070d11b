import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { AuthError, ConfigError, ConnectionError } from '@pulsar-io/sdk'
import type { Config } from './options.ts'

/** An answer of the server; `error` says why there is none. */
interface Answer {
  readonly error?: string
}

/**
 * A connection that asks one question after the other, each a line of JSON. Replace it by the client of your system:
 * this is the only file that should import one, and the errors below are what the others rely on.
 */
export class Connection {
  readonly #socket: Socket
  readonly #where: string
  readonly #timeoutMs: number
  readonly #waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = []
  #broken: ConnectionError | undefined

  /** Throws a ConnectionError, an AuthError or a ConfigError, each of which says what to do. */
  static async open(config: Config, signal: AbortSignal): Promise<Connection> {
    const connection = new Connection(config)
    const { host, port, stream, password } = config
    try {
      const { error } = await connection.ask({ stream, password }, signal)
      if (error === 'denied')
        throw new AuthError(`${host}:${port} does not accept the password; correct it`, { code: 'PIO_MY_SYSTEM_AUTH' })
      if (error !== undefined)
        throw new ConfigError([{ path: 'stream', message: `${stream} is not at ${host}:${port}; create it` }])
      return connection
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  private constructor({ host, port, timeout }: Config) {
    this.#where = `${host}:${port}`
    this.#timeoutMs = timeout
    this.#socket = connect({ host, port })
    this.#socket.on('error', error => this.#break(error.message))
    this.#socket.on('close', () => this.#break('the server ended the connection'))
    createInterface(this.#socket)
      .on('line', line => this.#waiting.shift()?.resolve(JSON.parse(line) as Answer))
      // The socket tells of the same error.
      .on('error', () => undefined)
  }

  /** Rejects with a ConnectionError when there is no answer; then the connection is of no use any more. */
  async ask<A extends Answer>(question: object, signal?: AbortSignal, timeoutMs = this.#timeoutMs): Promise<A> {
    if (this.#broken) throw this.#broken
    const stop = () => this.#break('nobody waits for the answer any more')
    const timer =
      timeoutMs > 0 ? setTimeout(() => this.#break(`no answer within ${timeoutMs} ms`), timeoutMs) : undefined
    signal?.addEventListener('abort', stop)
    try {
      return (await new Promise<Answer>((resolve, reject) => {
        this.#waiting.push({ resolve, reject })
        this.tell(question)
      })) as A
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
    }
  }

  /** Says something that the server does not answer. */
  tell(statement: object): void {
    this.#socket.write(`${JSON.stringify(statement)}\n`)
  }

  async close(): Promise<void> {
    if (this.#socket.closed) return
    const closed = new Promise<void>(resolve => this.#socket.once('close', () => resolve()))
    this.#socket.destroy()
    await closed
  }

  #break(reason: string): void {
    this.#broken ??= new ConnectionError(`${this.#where}: ${reason}`, { code: 'PIO_MY_SYSTEM_CONNECTION' })
    this.#socket.destroy()
    for (const { reject } of this.#waiting.splice(0)) reject(this.#broken)
  }
}
