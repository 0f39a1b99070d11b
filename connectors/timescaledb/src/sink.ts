import {
  type BatchInfo,
  type BatchSink,
  type ConnectorError,
  isConnectorError,
  type Outcome,
  type PartitionCheckpoint,
  type Record,
  type SinkContext,
} from '@pulsar-io/sdk'
import { Batches, type BatchRow } from './batch.ts'
import type { Session } from './client.ts'
import { Database } from './database.ts'
import { statementError, TargetError } from './errors.ts'
import { parseTableName } from './identifier.ts'
import { Layouts } from './layout.ts'
import { notices } from './notices.ts'
import type { Config } from './options.ts'
import { Positions } from './positions.ts'
import { actionOf } from './record.ts'
import { columnsOf } from './schema-columns.ts'
import { settingsOf } from './settings.ts'
import type { Table } from './table.ts'
import { awaitsSchema, openTarget } from './target.ts'
import { Writer } from './writer.ts'

/** Names of fields without a column that are told of; the rest is told of by number. */
const UNKNOWN_TOLD = 100

/** Writes records as rows of a table, a batch in one transaction. */
export class TimescaleSink implements BatchSink<Config> {
  #config: Config | undefined
  #database: Database | undefined
  #positions: Positions | undefined
  #writer: Writer | undefined
  #context: SinkContext | undefined
  #starting: Promise<Writer> | undefined

  async open(config: Config, context: SinkContext): Promise<void> {
    this.#config = config
    this.#context = context
    const { logger, signal } = context
    const { settings, inert } = await settingsOf(config, `pulsar-io ${identityOf(context)}`)
    for (const notice of notices(config, inert)) logger.info(notice)
    const database = await Database.open(settings, logger, signal)
    this.#database = database
    if (await this.#use(signal, session => awaitsSchema(session, config)))
      logger.info(`connected to ${database.where.url}; ${config.tableName} is made when the first record comes`)
    else this.#writer = await this.#start(config, context)
  }

  async write(records: readonly Record[], batch: BatchInfo): Promise<readonly Outcome[] | void> {
    const [config, context] = [this.#config, this.#context]
    if (!config || !context) throw new Error('write was called before open')
    const outcomes = new Array<Outcome>(records.length).fill(undefined)
    const rows: BatchRow[] = []
    let refused = 0
    records.forEach((record, index) => {
      try {
        rows.push({ record, index, action: actionOf(record, config) })
      } catch (error) {
        if (!isRefusal(error)) throw error
        outcomes[index] = error
        refused++
      }
    })
    // All or nothing: the runtime dead-letters what is named here, and then hands over the rest.
    if (refused > 0) return outcomes
    const writer = this.#writer ?? (await this.#startWith(records, config, context))
    const refusals = await this.#use(batch.signal, session => writer.write(session, rows, batch.checkpoint))
    if (refusals.size === 0) return
    for (const [{ index }, error] of refusals) outcomes[index] = error
    return outcomes
  }

  async committed(): Promise<readonly PartitionCheckpoint[]> {
    const positions = this.#positions
    return positions ? this.#use(undefined, session => positions.committed(session)) : []
  }

  async close(): Promise<void> {
    const database = this.#database
    this.#database = undefined
    await database?.close()
  }

  /** Does some work on a connection; what goes wrong comes out as an error of the SDK. */
  async #use<T>(signal: AbortSignal | undefined, work: (session: Session) => Promise<T>): Promise<T> {
    const database = this.#database
    if (!database) throw new Error('the sink is not open')
    try {
      return await database.use(signal, work)
    } catch (error) {
      throw statementError(error, database.where)
    }
  }

  async #start(config: Config, context: SinkContext): Promise<Writer> {
    const { logger, guarantee, signal } = context
    const database = this.#database
    if (!database) throw new Error('the sink is not open')
    const table = await this.#use(signal, async session => {
      const found = await openTarget(session, config, logger, database.where)
      if (guarantee === 'EFFECTIVELY_ONCE') await this.#openPositions(session, found, config, context)
      return found
    })
    logger.info(`connected to ${database.where.url}`, { table: table.name })
    return this.#makeWriter(table, config, context)
  }

  /** Makes the table by what the records' schema says. Several batches may come at once; one of them does it. */
  #startWith(records: readonly Record[], config: Config, context: SinkContext): Promise<Writer> {
    const start = async (): Promise<Writer> => {
      let columns: Config['columns'] | undefined
      for (const record of records) columns ??= columnsOf(record, config.key)
      if (columns === undefined)
        throw new TargetError('PIO_PG_TARGET', [
          {
            path: 'columns',
            message: `required to make ${config.tableName}: the records have no AVRO or JSON schema to take them from`,
          },
        ])
      this.#writer = await this.#start({ ...config, columns }, context)
      return this.#writer
    }
    this.#starting ??= start().finally(() => {
      this.#starting = undefined
    })
    return this.#starting
  }

  async #openPositions(session: Session, table: Table, config: Config, context: SinkContext): Promise<void> {
    const name = parseTableName(config.positionsTable)
    const [schema = '', own = ''] = name.length === 1 ? [table.schema, ...name] : name
    const positions = new Positions(schema, own, {
      sink: identityOf(context),
      instance: context.instanceId,
      target: table.name,
    })
    await positions.open(session, context.inputTopics)
    this.#positions = positions
  }

  #makeWriter(table: Table, config: Config, { logger }: SinkContext): Writer {
    const layouts = new Layouts(table, config)
    const told = new Set<string>()
    const batches = new Batches(layouts, config.key, field => {
      if (told.has(field) || told.size >= UNKNOWN_TOLD) return
      told.add(field)
      logger.warn(`field ${JSON.stringify(field)} is left out: ${table.name} has no such column`, {
        columns: table.columns.map(({ name }) => name),
      })
    })
    return new Writer({ batches, stage: layouts.stage, positions: this.#positions, table: table.name })
  }
}

/** Whoever has this name is the same sink. */
const identityOf = ({ tenant, namespace, name }: SinkContext): string => `${tenant}/${namespace}/${name}`

function isRefusal(error: unknown): error is ConnectorError {
  return isConnectorError(error) && error.retry === 'reject'
}
