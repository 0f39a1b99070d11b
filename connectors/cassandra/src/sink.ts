import {
  type BatchInfo,
  type BatchSink,
  ConfigError,
  isConnectorError,
  type Outcome,
  type Record,
  type SinkContext,
} from '@pulsar-io/sdk'
import { openSession, type Session } from './client.ts'
import { Clocks } from './clocks.ts'
import type { Config } from './options.ts'
import { type RowChange, type RowMaker, rowMaker } from './row.ts'
import { deleteStatement, insertStatement } from './statements.ts'
import { openTarget } from './target.ts'
import { tlsSettings } from './tls.ts'
import { type Task, Writer } from './writer.ts'

/** What is needed to write, from `open` to `close`. */
interface Open {
  readonly session: Session
  readonly writer: Writer
  readonly rowOf: RowMaker
  readonly statements: { readonly [kind in RowChange['kind']]: string }
  /** Undefined where the time of writing decides. */
  readonly clocks: Clocks | undefined
}

/** Writes each record as a row of a table. */
export class CassandraSink implements BatchSink<Config> {
  readonly #connect: typeof openSession
  #open: Open | undefined

  constructor(connect: typeof openSession = openSession) {
    this.#connect = connect
  }

  async open(config: Config, context: SinkContext): Promise<void> {
    const { logger, guarantee, signal } = context
    const byPosition = config.writeTimestamp === 'POSITION'
    if (!byPosition && guarantee === 'EFFECTIVELY_ONCE')
      throw new ConfigError([
        {
          path: 'writeTimestamp',
          message: 'NOW lets a record that comes again win over newer ones; use POSITION with EFFECTIVELY_ONCE',
        },
      ])
    const session = await this.#connect(config, await tlsSettings(config), watcher(context), signal)
    try {
      const table = await openTarget(session, config, guarantee, logger)
      // Rows of one batch share the time of writing, and then Cassandra would not know which is the later one.
      const batchSize = byPosition ? config.partitionBatchSize : 1
      this.#open = {
        session,
        writer: new Writer(session, config.maxConcurrentRequests, batchSize),
        rowOf: rowMaker(table, config),
        statements: { insert: insertStatement(table, config), delete: deleteStatement(table, config) },
        clocks: byPosition ? new Clocks(ownsPartitions(context) ? context.state : undefined) : undefined,
      }
      logger.info(`connected to ${session.title}`, { table: `${table.keyspace}.${table.name}` })
    } catch (error) {
      await session.close()
      throw error
    }
  }

  async write(records: readonly Record[], batch: BatchInfo): Promise<readonly Outcome[]> {
    const open = this.#open
    if (!open) throw new Error('write was called before open')
    const timestamps = await open.clocks?.timestamps(records)
    const outcomes = new Array<Outcome>(records.length).fill(undefined)
    const tasks: Task[] = []
    records.forEach((record, i) => {
      try {
        const change = open.rowOf(record)
        if (change) tasks.push(task(i, change, open.statements, timestamps?.[i]))
      } catch (error) {
        if (!isConnectorError(error)) throw error
        outcomes[i] = error
      }
    })
    await open.writer.write(tasks, outcomes, batch.signal)
    return outcomes
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.session.close()
  }
}

function task(
  record: number,
  { kind, cells, partition }: RowChange,
  statements: Open['statements'],
  timestamp: bigint | undefined,
): Task {
  if (timestamp === undefined) return { record, partition, cql: statements[kind], values: cells }
  if (kind === 'insert') cells.push(int64(timestamp))
  else cells.unshift(int64(timestamp))
  return { record, partition, cql: statements[kind], values: cells }
}

function int64(value: bigint): Buffer {
  const buffer = Buffer.allocUnsafe(8)
  buffer.writeBigInt64BE(value)
  return buffer
}

/** Whether this instance gets all records of a partition, in their order. */
function ownsPartitions({ subscriptionType }: SinkContext): boolean {
  return subscriptionType === 'Failover' || subscriptionType === 'Exclusive'
}

/** The driver connects again by itself; the status should say so. */
function watcher(context: SinkContext) {
  return {
    lost: (reason: string) => context.connection('reconnecting', reason),
    back: () => context.connection('connected'),
  }
}
