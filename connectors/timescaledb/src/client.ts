import { Socket } from 'node:net'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { Host } from './address.ts'
import type { Settings } from './settings.ts'

/** One row of an answer. Values are as PostgreSQL writes them, but for numbers up to 32 bits, booleans and lists of text. */
export type Row = { readonly [column: string]: unknown }

/** What a server says went wrong. https://www.postgresql.org/docs/current/protocol-error-fields.html */
export interface ServerError extends Error {
  /** SQLSTATE. */
  readonly code: string
  readonly severity: string
  readonly detail?: string
  readonly hint?: string
  /** The context, for example `COPY t, line 3, column n: "x"`. */
  readonly where?: string
  readonly table?: string
  readonly column?: string
  readonly constraint?: string
}

/** Whether the server said it; otherwise the connection is at fault. */
export function isServerError(error: unknown): error is ServerError {
  return error instanceof pg.DatabaseError && typeof error.code === 'string'
}

/** The connection broke, or never came to be; the cause says how. */
export class ConnectionLost extends Error {
  constructor(cause: Error) {
    super(cause.message || (cause as NodeJS.ErrnoException).code || 'no reason given', { cause })
  }
}

/** One connection. It is of no use any more after a {@link ConnectionLost}. */
export interface Session {
  /** The statement, or several without values. Rejects with a {@link ServerError} or {@link ConnectionLost}. */
  query(text: string, values?: readonly unknown[]): Promise<readonly Row[]>
  /**
   * Runs `text`, which holds one `COPY … FROM STDIN` and may hold statements around it, and feeds it. What `chunks`
   * throws ends it, after the server has been told so, and is thrown.
   */
  copy(text: string, chunks: Iterable<Buffer>): Promise<void>
  /** False once the connection broke. */
  readonly usable: boolean
  /** Told what the server remarks; nobody by default. */
  onNotice: (severity: string, message: string) => void
  /** What is kept for as long as the connection lives. */
  readonly memory: Set<string>
  /** Ends the connection at once; whatever waits for it is rejected. */
  destroy(reason: Error): void
  /** Says goodbye. */
  close(): Promise<void>
}

/** How long the server is waited for after its own timeout should have struck, in milliseconds. */
const GRACE = 5000

/** Connects to one host, with TLS as asked for. Rejects when that fails, takes too long, or the signal aborts. */
export async function connect(host: Host, settings: Settings, signal: AbortSignal): Promise<Session> {
  if (settings.tlsMode !== 'prefer') return open(host, settings, settings.tls ?? false, signal)
  try {
    return await open(host, settings, settings.tls ?? false, signal)
  } catch (error) {
    if (!/does not support SSL/.test((error as Error).message)) throw error
    return open(host, settings, false, signal)
  }
}

async function open(
  { host, port }: Host,
  settings: Settings,
  ssl: NonNullable<Settings['tls']> | false,
  signal: AbortSignal,
): Promise<Session> {
  signal.throwIfAborted()
  const socket = new Socket()
  const client = new pg.Client({
    host,
    port,
    user: settings.user,
    database: settings.database,
    // A function, since a missing password would be looked for in the environment and in files.
    password: () => settings.password,
    ssl,
    stream: () => socket,
    application_name: settings.applicationName,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  })
  const session = new PgSession(client, socket, settings.statementTimeout)
  const late = new Error(`no connection within ${settings.connectTimeout} ms (timeout)`)
  try {
    await session.within(() => client.connect(), settings.connectTimeout, late, signal)
    await session.query(SESSION, [String(settings.statementTimeout), String(settings.statementTimeout + GRACE)])
    return session
  } catch (error) {
    session.destroy(error as Error)
    throw error
  }
}

/**
 * Times and intervals are read the same everywhere, the server ends what takes too long, and it notices within a
 * minute when we are gone: until then our locks are in the way of the next instance.
 */
const SESSION = `SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO, YMD', false),
  set_config('IntervalStyle', 'postgres', false), set_config('statement_timeout', $1, false),
  set_config('idle_in_transaction_session_timeout', $2, false), set_config('tcp_keepalives_idle', '20', false),
  set_config('tcp_keepalives_interval', '10', false), set_config('tcp_keepalives_count', '3', false)`

class PgSession implements Session {
  readonly memory = new Set<string>()
  onNotice: Session['onNotice'] = () => undefined
  readonly #client: pg.Client
  readonly #socket: Socket
  readonly #timeout: number
  #broken: Error | undefined

  constructor(client: pg.Client, socket: Socket, timeout: number) {
    this.#client = client
    this.#socket = socket
    this.#timeout = timeout
    client.on('error', error => {
      this.#broken ??= error
    })
    client.on('end', () => {
      this.#broken ??= new Error('the connection was closed')
    })
    client.on('notice', ({ severity, message }) => this.onNotice(severity ?? '', message ?? ''))
  }

  get usable(): boolean {
    return this.#broken === undefined
  }

  async query(text: string, values?: readonly unknown[]): Promise<readonly Row[]> {
    const work = async () => {
      const result = await this.#client.query<Row>(text, values && [...values])
      return result.rows ?? []
    }
    return this.within(work, this.#limit, this.#silent)
  }

  copy(text: string, chunks: Iterable<Buffer>): Promise<void> {
    return this.within(() => this.#copy(text, chunks), this.#limit, this.#silent)
  }

  async #copy(text: string, chunks: Iterable<Buffer>): Promise<void> {
    const stream = this.#client.query(copyFrom(text))
    const over = new Promise<void>((resolve, reject) => {
      stream.on('error', reject)
      stream.on('finish', resolve)
    })
    // Whoever waits below sees it.
    over.catch(() => undefined)
    try {
      for (const chunk of chunks) {
        // Each is sent before the next is made, so that the server reads one while the next comes to be.
        const written = new Promise<void>(resolve => void stream.write(chunk, () => resolve()))
        await Promise.race([written, over])
      }
    } catch (error) {
      stream.destroy(error as Error)
      // It ends with the error that is thrown here.
      await over.catch(() => undefined)
      throw error
    }
    stream.end()
    await over
  }

  /** What `work` gives; when it takes longer than `ms` (0: for ever), or the signal aborts, the connection ends. */
  async within<T>(work: () => Promise<T>, ms: number, late: Error, signal?: AbortSignal): Promise<T> {
    const abort = () => this.destroy(new Error('given up'))
    const timer = ms > 0 ? setTimeout(() => this.destroy(late), ms) : undefined
    signal?.addEventListener('abort', abort, { once: true })
    try {
      if (this.#broken) throw this.#broken
      return await work()
    } catch (error) {
      // What ended the connection says more than that it has ended.
      throw this.#broken && !isServerError(error) ? new ConnectionLost(this.#broken) : error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  get #limit(): number {
    return this.#timeout === 0 ? 0 : this.#timeout + GRACE
  }

  get #silent(): Error {
    return new Error(`no answer within ${this.#limit} ms (timeout)`)
  }

  destroy(reason: Error): void {
    this.#broken ??= reason
    this.#socket.destroy()
  }

  async close(): Promise<void> {
    if (!this.usable) {
      this.#socket.destroy()
      return
    }
    const timer = setTimeout(() => this.#socket.destroy(), GRACE)
    try {
      await this.#client.end()
    } finally {
      clearTimeout(timer)
      this.#socket.destroy()
    }
  }
}
