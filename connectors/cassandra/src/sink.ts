import {
  type BatchInfo,
  type BatchSink,
  ConfigError,
  isConnectorError,
  type Outcome,
  PositionClocks,
  type Record,
  RecordError,
  type SinkContext,
} from '@pulsar-io/sdk'
import { openSession, type Session } from './client.ts'
import type { CqlType } from './cql-type.ts'
import { encode } from './encode.ts'
import { largestRequest } from './limits.ts'
import type { Config } from './options.ts'
import { type RowChange, type RowMaker, rowMaker } from './row.ts'
import { deleteStatement, insertStatement } from './statements.ts'
import { openTarget } from './target.ts'
import { tlsSettings } from './tls.ts'
import { WallClock } from './wall-clock.ts'
import { type Task, type Tasks, Writer } from './writer.ts'

/** What is needed to write, from `open` to `close`. */
interface Open {
  readonly session: Session
  readonly writer: Writer
  readonly rowOf: RowMaker
  readonly statements: { readonly [kind in RowChange['kind']]: string }
  readonly clocks: Pick<PositionClocks, 'timestamps'>
  /** Bytes of values that a request may have. */
  readonly largest: number
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
      this.#open = {
        session,
        writer: new Writer(session, config.maxConcurrentRequests, config.partitionBatchSize),
        rowOf: rowMaker(table, config),
        statements: { insert: insertStatement(table, config), delete: deleteStatement(table) },
        clocks: byPosition ? new PositionClocks(context, 'PIO_CASSANDRA_STATE') : new WallClock(),
        largest: await largestRequest(session.query),
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
    const timestamps = await open.clocks.timestamps(records)
    const outcomes = new Array<Outcome>(records.length).fill(undefined)
    const tasks: Tasks = (from, to) => {
      const made: Task[] = []
      for (let i = from; i < to; i++) {
        const record = records[i]
        if (!record) continue
        try {
          const change = open.rowOf(record)
          if (change) made.push(taskOf(i, change, open, timestamps[i] ?? 0n))
        } catch (error) {
          if (!isConnectorError(error)) throw error
          outcomes[i] = error
        }
      }
      return made
    }
    await open.writer.write(tasks, outcomes, batch.signal)
    return outcomes
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.writer.close()
    await open?.session.close()
  }
}

/** What a statement takes as its timestamp. */
const MICROSECONDS: CqlType = { kind: 'bigint', text: 'bigint' }

/** Throws a RecordError for a row that no node would read to its end. */
function taskOf(
  record: number,
  { kind, cells, partition }: RowChange,
  { statements, largest }: Pick<Open, 'statements' | 'largest'>,
  timestamp: bigint,
): Task {
  let bytes = 0
  for (const cell of cells) bytes += cell?.length ?? 0
  if (bytes > largest)
    throw new RecordError(
      `the row has ${bytes} bytes, and the server reads requests of up to ${largest} (native_transport_max_frame_size)`,
      { code: 'PIO_CASSANDRA_TOO_LARGE' },
    )
  if (kind === 'insert') cells[cells.length - 1] = encode(timestamp, MICROSECONDS)
  else cells.unshift(encode(timestamp, MICROSECONDS))
  return { record, partition, cql: statements[kind], values: cells }
}

/** The driver connects again by itself; the status should say so. */
function watcher(context: SinkContext) {
  return {
    lost: (reason: string) => context.connection('reconnecting', reason),
    back: () => context.connection('connected'),
  }
}
