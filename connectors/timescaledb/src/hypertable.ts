import type { Logger, Problem } from '@pulsar-io/sdk'
import { isServerError, type Row, type Session } from './client.ts'
import { said, TargetError } from './errors.ts'
import { literal, quoteAll } from './identifier.ts'
import type { Config, HypertableConfig } from './options.ts'
import type { Table } from './table.ts'

/**
 * Makes the table a hypertable, and gives it the policies that are asked for. What is there already stays; what differs
 * is told. On plain PostgreSQL the table stays as it is, which is told, too.
 *
 * https://docs.timescale.com/api/latest/hypertable/create_hypertable/ (by_range and by_hash since 2.13)
 *
 * @throws TargetError with what TimescaleDB says
 */
export async function prepareHypertable(
  session: Session,
  table: Table,
  { hypertable }: Pick<Config, 'hypertable'>,
  logger: Logger,
): Promise<void> {
  if (!hypertable) return
  const extension = await extensionOf(session)
  if (extension.installed === undefined) {
    const cure = extension.available ? '; CREATE EXTENSION timescaledb there' : ''
    logger.warn(
      `hypertable has no effect: TimescaleDB is not in this database, and ${table.name} stays a plain table${cure}`,
    )
    return
  }
  const integer = isInteger(table, hypertable)
  const problems = intervalProblems(hypertable, integer)
  if (problems.length > 0) throw new TargetError('PIO_PG_TIMESCALE', problems)
  session.onNotice = (severity, message) => {
    // A policy that is there already, with other values, is left alone with a warning.
    if (severity === 'WARNING') logger.warn(`TimescaleDB: ${message}`, { table: table.name })
  }
  try {
    const [made] = await step(session, 'hypertable', make(table, hypertable, integer))
    if (hypertable.partitionColumn !== '') await addPartitions(session, table, hypertable, logger)
    if (hypertable.compressAfter !== '') await compress(session, table, hypertable, integer, made?.created === true)
    if (hypertable.dropAfter !== '')
      await step(
        session,
        'hypertable.dropAfter',
        `SELECT add_retention_policy(${regclass(table)}, drop_after => ${age(hypertable.dropAfter, integer)}, if_not_exists => true)`,
      )
  } finally {
    session.onNotice = () => undefined
  }
  logger.info(`${table.name} is a hypertable of TimescaleDB ${extension.installed}`, {
    timeColumn: hypertable.timeColumn,
  })
}

async function extensionOf(session: Session): Promise<{ installed: string | undefined; available: boolean }> {
  const [row] = await session.query(
    `SELECT (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS installed,
       EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb') AS available`,
  )
  return { installed: (row?.installed ?? undefined) as string | undefined, available: row?.available === true }
}

function isInteger(table: Table, { timeColumn }: HypertableConfig): boolean {
  const column = table.columns.find(({ name }) => name === timeColumn)
  return /^int[248]$/.test(column?.type.base ?? '')
}

/** Where time is a whole number, so are all lengths of time. */
function intervalProblems(hypertable: HypertableConfig, integer: boolean): Problem[] {
  const options = ['chunkInterval', 'compressAfter', 'dropAfter'] as const
  return options.flatMap(option => {
    const value = hypertable[option]
    if (value === '' || /^\d+$/.test(value) === integer) return []
    const expected = integer
      ? `a whole number, because ${hypertable.timeColumn} is one`
      : `a time such as 1 day, because ${hypertable.timeColumn} is a time`
    return [{ path: `hypertable.${option}`, message: `must be ${expected}, got ${JSON.stringify(value)}` }]
  })
}

const regclass = (table: Table): string => `${literal(table.sql)}::regclass`

const age = (text: string, integer: boolean): string => `${literal(text)}::${integer ? 'bigint' : 'interval'}`

function make(table: Table, { timeColumn, chunkInterval }: HypertableConfig, integer: boolean): string {
  // A table that holds rows is refused with TimescaleDB's advice: to move them takes long, and is not ours to begin.
  return `SELECT created FROM create_hypertable(${regclass(table)},
    by_range(${literal(timeColumn)}, ${age(chunkInterval, integer)}), if_not_exists => true)`
}

/** A dimension can only be added while the table is empty, so one that is there already is compared instead. */
async function addPartitions(
  session: Session,
  table: Table,
  hypertable: HypertableConfig,
  logger: Logger,
): Promise<void> {
  const { partitionColumn, partitions } = hypertable
  const dimensions = await session.query(
    `SELECT column_name::text AS column, num_partitions AS partitions FROM timescaledb_information.dimensions
     WHERE hypertable_schema = $1 AND hypertable_name = $2`,
    [table.schema, table.relation],
  )
  const existing = dimensions.find((row: Row) => row.column === partitionColumn)
  if (!existing)
    await step(
      session,
      'hypertable.partitionColumn',
      `SELECT add_dimension(${regclass(table)}, by_hash(${literal(partitionColumn)}, ${partitions}), if_not_exists => true)`,
    )
  else if (Number(existing.partitions) !== partitions)
    logger.warn(
      `hypertable.partitions is ${partitions}, and ${table.name} has ${String(existing.partitions)}; it stays so: SELECT set_number_partitions(${regclass(table)}, ${partitions}) changes it for new chunks`,
    )
}

/** Since 2.18 compressed chunks are called the columnstore; before, and where only that is there, it is compression. */
async function compress(
  session: Session,
  table: Table,
  hypertable: HypertableConfig,
  integer: boolean,
  created: boolean,
): Promise<void> {
  const { compressAfter, segmentBy, orderBy, timeColumn } = hypertable
  const [row] = await session.query(
    `SELECT EXISTS (SELECT FROM pg_proc WHERE proname = 'add_columnstore_policy') AS columnstore,
       coalesce((SELECT compression_enabled FROM timescaledb_information.hypertables
         WHERE hypertable_schema = $1 AND hypertable_name = $2), false) AS enabled`,
    [table.schema, table.relation],
  )
  const columnstore = row?.columnstore === true
  const name = (short: string) => `timescaledb.${columnstore ? '' : 'compress_'}${short}`
  const settings = [
    columnstore ? 'timescaledb.enable_columnstore = true' : 'timescaledb.compress',
    `${name('orderby')} = ${literal(orderBy || `${quoteAll([timeColumn])} DESC`)}`,
    ...(segmentBy.length > 0 ? [`${name('segmentby')} = ${literal(quoteAll(segmentBy))}`] : []),
  ]
  // To set them locks the table, so it is not done at every start; what an operator changed since stays, too.
  if (created || row?.enabled !== true)
    await step(session, 'hypertable.compressAfter', `ALTER TABLE ${table.sql} SET (${settings.join(', ')})`)
  const after = age(compressAfter, integer)
  await step(
    session,
    'hypertable.compressAfter',
    columnstore
      ? `CALL add_columnstore_policy(${regclass(table)}, after => ${after}, if_not_exists => true)`
      : `SELECT add_compression_policy(${regclass(table)}, ${after}, if_not_exists => true)`,
  )
}

async function step(session: Session, path: string, statement: string): Promise<readonly Row[]> {
  try {
    return await session.query(statement)
  } catch (error) {
    if (!isServerError(error) || /^(08|40|53|55|57|58)/.test(error.code)) throw error
    const hint = error.hint === undefined ? '' : `; ${error.hint}`
    throw new TargetError('PIO_PG_TIMESCALE', [{ path, message: `TimescaleDB refuses: ${said(error)}${hint}` }])
  }
}
