import { ConnectorError, type Logger } from '@pulsar-io/sdk'
import { requestError, serverError } from './errors.ts'
import type { Config } from './options.ts'
import type { Server } from './server.ts'

type IndexConfig = Pick<
  Config,
  'createIndexIfNeeded' | 'indexNumberOfShards' | 'indexNumberOfReplicas' | 'indexTemplateName' | 'dataStream'
>

/** Names that are known to be there; a connector that writes to more starts to ask again. */
const MOST_KNOWN = 1000

/** Knows which indices are there, and creates those that are not, where the configuration asks for it. */
export class Indices {
  readonly #server: Server
  readonly #config: IndexConfig
  readonly #logger: Logger
  readonly #known = new Map<string, Promise<void>>()

  constructor(server: Server, config: IndexConfig, logger: Logger) {
    this.#server = server
    this.#config = config
    this.#logger = logger
  }

  /** Looks whether an index is there, and creates it or says what will happen. */
  check(name: string): Promise<void> {
    return this.#once(name)
  }

  /** To be called before writing: costs nothing when the index is known or the server creates it by itself. */
  ensure(name: string): Promise<void> | undefined {
    return this.#config.createIndexIfNeeded ? this.#once(name) : undefined
  }

  /** The index turned out not to be there. */
  forget(name: string): void {
    this.#known.delete(name)
  }

  #once(name: string): Promise<void> {
    const known = this.#known.get(name)
    if (known) return known
    if (this.#known.size >= MOST_KNOWN) this.#known.clear()
    const asked = this.#ask(name)
    this.#known.set(name, asked)
    // Asked again the next time, for the index may be there or allowed by then.
    asked.catch(() => this.#known.delete(name))
    return asked
  }

  #ask(name: string): Promise<void> {
    return this.#config.dataStream ? this.#askForStream(name) : this.#askForIndex(name)
  }

  async #askForStream(name: string): Promise<void> {
    const { wire, headers, where } = this.#server
    const path = `/_data_stream/${encodeURIComponent(name)}`
    const found = await wire.request({ method: 'GET', path, headers: headers.json })
    if (found.status === 200) return
    if (found.status === 403) {
      this.#logger.info(`${where.who} may not see whether data stream ${name} exists; going on`, { index: name })
      return
    }
    if (found.status !== 404) throw requestError(found.status, found.body, `look for data stream ${name}`, where)
    // Without it the first document would make an index of the name, which is none.
    if (!this.#config.createIndexIfNeeded)
      throw new ConnectorError(
        'PIO_ES_NO_INDEX',
        'block',
        `data stream ${name} is not at ${where.url}; create it (PUT ${path}), or set createIndexIfNeeded`,
      )
    const made = await wire.request({ method: 'PUT', path, headers: headers.json })
    if (made.status < 300) this.#logger.info(`created data stream ${name}`, { index: name })
    else if (serverError(made.body).type !== 'resource_already_exists_exception')
      throw requestError(made.status, made.body, `create data stream ${name}`, where)
  }

  async #askForIndex(name: string): Promise<void> {
    const { wire, headers, where } = this.#server
    const path = `/${encodeURIComponent(name)}`
    const found = await wire.request({ method: 'HEAD', path, headers: headers.json })
    if (found.status === 200) return
    if (found.status !== 403 && found.status !== 404)
      throw requestError(found.status, found.body, `look for index ${name}`, where)
    if (this.#config.createIndexIfNeeded) return this.#create(name, path, found.status === 403)
    this.#logger.info(
      found.status === 404
        ? `index ${name} does not exist yet; the server creates it with the first document`
        : `${where.who} may not see whether index ${name} exists; going on`,
      { index: name },
    )
  }

  async #create(name: string, path: string, hidden: boolean): Promise<void> {
    const { wire, headers, where } = this.#server
    const { indexNumberOfShards, indexNumberOfReplicas, indexTemplateName } = this.#config
    const settings =
      indexTemplateName === ''
        ? { number_of_shards: indexNumberOfShards, number_of_replicas: indexNumberOfReplicas }
        : {}
    const body = JSON.stringify({ settings })
    const made = await wire.request({ method: 'PUT', path, headers: headers.json, body })
    if (made.status < 300) {
      this.#logger.info(`created index ${name}`, { index: name, ...settings })
      return
    }
    // Another instance was faster.
    if (serverError(made.body).type === 'resource_already_exists_exception') return
    // An index that the user may not see may be there all the same: the first write tells.
    if (made.status === 403 && hidden) {
      this.#logger.info(`${where.who} may neither see nor create index ${name}; going on`, { index: name })
      return
    }
    throw requestError(made.status, made.body, `create index ${name}`, where)
  }
}
