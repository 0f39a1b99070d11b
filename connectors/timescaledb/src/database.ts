import { ConnectionError, type Logger } from '@pulsar-io/sdk'
import { type Host, showHosts } from './address.ts'
import { connect, isServerError, type Session } from './client.ts'
import { connectError, type Where } from './errors.ts'
import { placeOf, type Settings } from './settings.ts'

/** A server that takes writes, and connections to it, never more than `settings.connections`. */
export class Database {
  readonly where: Where
  readonly #host: Host
  readonly #settings: Settings
  readonly #idle: Session[]
  readonly #all = new Set<Session>()
  readonly #waiting: (() => void)[] = []
  #opening = 0
  #closed = false

  private constructor(host: Host, settings: Settings, first: Session) {
    this.#host = host
    this.#settings = settings
    this.#idle = [first]
    this.#all.add(first)
    this.where = { url: placeOf({ hosts: [host], database: settings.database }), user: settings.user }
  }

  /**
   * Connects to the first of the hosts that takes writes. Throws the error of the one that got furthest: refused
   * credentials say more than a host that is down, for after a failover one of them always is.
   */
  static async open(settings: Settings, logger: Logger, signal: AbortSignal): Promise<Database> {
    const failures: { readonly host: Host; readonly error: unknown }[] = []
    for (const host of settings.hosts) {
      const failed = (error: unknown) => failures.push({ host, error })
      let session: Session | undefined
      try {
        session = await connect(host, settings, signal)
        if (await isReadOnly(session)) throw new ReadOnly()
        return new Database(host, settings, session)
      } catch (error) {
        await session?.close()
        failed(error)
        if (signal.aborted) break
      }
    }
    if (settings.hosts.length > 1 && !signal.aborted)
      for (const { host, error } of failures)
        logger.debug(`${showHosts([host])} is not used`, { reason: (error as Error).message })
    throw openError(failures, settings)
  }

  /**
   * Gives `work` a connection for itself, and ends it where the signal aborts. A connection that broke while nobody
   * used it is replaced.
   */
  async use<T>(signal: AbortSignal | undefined, work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#acquire(signal)
    const abort = () => session.destroy(new Error('given up'))
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await work(session)
    } catch (error) {
      if (!isServerError(error) && !session.usable) session.destroy(error as Error)
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
      if (session.usable && !this.#closed) this.#idle.push(session)
      else this.#all.delete(session)
      this.#waiting.shift()?.()
    }
  }

  async #acquire(signal: AbortSignal | undefined): Promise<Session> {
    for (;;) {
      if (this.#closed) throw new ConnectionError('the sink is closed', { code: 'PIO_PG_LOST' })
      const idle = this.#idle.pop()
      if (idle?.usable) return idle
      if (idle) this.#all.delete(idle)
      else if (this.#all.size + this.#opening < this.#settings.connections) return this.#connect(signal)
      else await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  async #connect(signal: AbortSignal | undefined): Promise<Session> {
    this.#opening++
    try {
      const session = await connect(this.#host, this.#settings, signal ?? new AbortController().signal)
      this.#all.add(session)
      if (this.#closed) session.destroy(new Error('the sink is closed'))
      return session
    } catch (error) {
      throw connectError(error, this.where)
    } finally {
      this.#opening--
    }
  }

  /** Ends every connection; one that is in use at once, since nobody waits for it any more. */
  async close(): Promise<void> {
    this.#closed = true
    const idle = this.#idle.splice(0)
    for (const session of this.#all) if (!idle.includes(session)) session.destroy(new Error('the sink is closed'))
    for (const resolve of this.#waiting.splice(0)) resolve()
    await Promise.all(idle.map(session => session.close()))
    this.#all.clear()
  }
}

/** The server answers, and takes no writes. */
class ReadOnly extends Error {}

async function isReadOnly(session: Session): Promise<boolean> {
  const [row] = await session.query(
    `SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS "readOnly"`,
  )
  return row?.readOnly === true
}

function openError(failures: readonly { host: Host; error: unknown }[], settings: Settings): Error {
  const whereOf = (host: Host): Where => ({
    url: placeOf({ hosts: [host], database: settings.database }),
    user: settings.user,
  })
  const readOnly = failures.filter(({ error }) => error instanceof ReadOnly)
  const others = failures
    .filter(({ error }) => !(error instanceof ReadOnly))
    .map(({ host, error }) => connectError(error, whereOf(host)))
  const refused = others.find(error => error.retry !== 'reconnect')
  if (refused) return refused
  const [first] = readOnly
  if (first) {
    const hosts = readOnly.map(({ host }) => host)
    const rest = others.length > 0 ? ` (${others.map(error => error.message).join('; ')})` : ''
    return new ConnectionError(
      `${placeOf({ hosts, database: settings.database })} takes no writes: it is a standby, or default_transaction_read_only is on${rest}; name the primary, or all hosts of the cluster`,
      { code: 'PIO_PG_READ_ONLY' },
    )
  }
  const [only] = others
  if (only && others.length === 1) return only
  return new ConnectionError(others.map(error => error.message).join('; '), {
    code: only?.code ?? 'PIO_PG_UNREACHABLE',
  })
}
