import { closest, type Logger, type Problem } from '@pulsar-io/sdk'
import { isServerError, type Session } from './client.ts'
import { createTable } from './create-table.ts'
import { said, TargetError, type Where } from './errors.ts'
import { prepareHypertable } from './hypertable.ts'
import { quoteAll } from './identifier.ts'
import type { Config } from './options.ts'
import { findTable, type Table, tableNames } from './table.ts'
import { typePart } from './type-part.ts'

/** Kinds of relations that take rows: tables, partitioned and foreign tables, and views that are written to. */
const WRITABLE = new Set(['r', 'p', 'f', 'v'])

/** Whether the table is to be made and nothing says yet with which columns: the first record will. */
export async function awaitsSchema(session: Session, { createTable, columns, tableName }: Config): Promise<boolean> {
  return createTable && Object.keys(columns).length === 0 && (await findTable(session, tableName)) === undefined
}

/**
 * The table to write to, made where that is asked for. Throws a {@link TargetError} that lists everything that is not
 * as it has to be, each with what to do about it.
 */
export async function openTarget(session: Session, config: Config, logger: Logger, where: Where): Promise<Table> {
  const table = (await findTable(session, config.tableName)) ?? (await makeTable(session, config, logger, where))
  const problems = [
    ...columnProblems(table, config),
    ...(await typeProblems(session, table, config)),
    ...keyProblems(table, config),
    ...(await rightProblems(session, table, config, where)),
  ]
  if (problems.length > 0) throw new TargetError('PIO_PG_TARGET', problems)
  await prepareHypertable(session, table, config, logger)
  return table
}

async function makeTable(session: Session, config: Config, logger: Logger, where: Where): Promise<Table> {
  if (!config.createTable) {
    const known = await tableNames(session)
    const short = known.map(name => name.replace(/^public\./, ''))
    const guess = closest(config.tableName, [...known, ...short])
    const hint = guess === undefined ? '' : ` did you mean ${guess}?`
    throw new TargetError('PIO_PG_TARGET', [
      {
        path: 'tableName',
        message: `${config.tableName} is not at ${where.url};${hint} create it, or set createTable and columns`,
      },
    ])
  }
  const problems = await createTable(session, config)
  if (problems.length > 0) throw new TargetError('PIO_PG_TARGET', problems)
  const table = await findTable(session, config.tableName)
  if (!table) throw new Error(`${config.tableName} was made and is not there`)
  logger.info(`created table ${table.name}`, { columns: table.columns.map(({ name }) => name) })
  return table
}

/** Columns that the configuration names and the table does not have. */
function columnProblems(table: Table, config: Config): Problem[] {
  if (!WRITABLE.has(table.kind))
    return [{ path: 'tableName', message: `${table.name} is neither a table nor a view, and takes no rows` }]
  const { key, nonKey, columns, hypertable } = config
  const named: readonly (readonly [string, readonly string[]])[] = [
    ['key', key],
    ['nonKey', nonKey],
    ['columns', Object.keys(columns)],
    ['hypertable.timeColumn', hypertable ? [hypertable.timeColumn] : []],
    ['hypertable.partitionColumn', hypertable?.partitionColumn ? [hypertable.partitionColumn] : []],
    ['hypertable.segmentBy', hypertable?.segmentBy ?? []],
  ]
  const known = table.columns.map(({ name }) => name)
  return named.flatMap(([path, names]) =>
    names
      .filter(name => !known.includes(name))
      .map(name => {
        const guess = closest(name, known)
        const hint = guess === undefined ? `its columns are ${known.join(', ')}` : `did you mean ${guess}?`
        const type = columns[name]
        const fix = type === undefined ? '' : `; ALTER TABLE ${table.sql} ADD COLUMN ${quoteAll([name])} ${type}`
        return { path, message: `${JSON.stringify(name)} is no column of ${table.name}; ${hint}${fix}` }
      }),
  )
}

/** Columns that are of another type than the configuration says. */
async function typeProblems(session: Session, table: Table, { columns }: Config): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const [name, wanted] of Object.entries(columns)) {
    const column = table.columns.find(each => each.name === name)
    if (!column) continue
    const [row] = await session.query(
      'SELECT to_regtype($1)::text AS wanted, to_regtype($1) IS DISTINCT FROM to_regtype($2) AS different',
      [typePart(wanted), column.declared],
    )
    const path = `columns.${name}`
    if (row?.wanted === null) problems.push({ path, message: `${JSON.stringify(typePart(wanted))} is no type here` })
    else if (row?.different === true)
      problems.push({
        path,
        message: `is ${column.declared} in ${table.name} and not ${String(row.wanted)}; correct it here, or alter the column`,
      })
  }
  return problems
}

/** UPSERT needs an index that tells rows of one key. */
function keyProblems(table: Table, { key, insertMode }: Config): Problem[] {
  if (insertMode !== 'UPSERT' || !key.every(name => table.columns.some(column => column.name === name))) return []
  const wanted = JSON.stringify([...key].sort())
  if (table.uniqueKeys.some(columns => JSON.stringify([...columns].sort()) === wanted)) return []
  return [
    {
      path: 'key',
      message: `${table.name} has no unique index on (${key.join(', ')}), which UPSERT needs; CREATE UNIQUE INDEX ON ${table.sql} (${quoteAll(key)})`,
    },
  ]
}

async function rightProblems(session: Session, table: Table, config: Config, { user }: Where): Promise<Problem[]> {
  const rights = new Set<string>()
  if (config.insertMode !== 'UPDATE') rights.add('INSERT')
  if (config.insertMode !== 'INSERT') for (const right of ['SELECT', 'UPDATE']) rights.add(right)
  if (config.nullValueAction === 'DELETE') for (const right of ['SELECT', 'DELETE']) rights.add(right)
  const problems: Problem[] = []
  try {
    for (const right of rights) {
      // A right may be granted for some columns only; which of them a record needs shows when it comes.
      const function_ = right === 'DELETE' ? 'has_table_privilege' : 'has_any_column_privilege'
      const [row] = await session.query(`SELECT ${function_}($1, $2) AS may`, [table.sql, right])
      if (row?.may === false)
        problems.push({
          path: 'userName',
          message: `user ${JSON.stringify(user)} may not ${right} at ${table.name}; GRANT ${right} ON ${table.sql} TO ${quoteAll([user])}`,
        })
    }
    const [row] = await session.query(`SELECT has_database_privilege(current_database(), 'TEMP') AS may`)
    if (row?.may === false && (config.insertMode !== 'INSERT' || config.nullValueAction === 'DELETE'))
      problems.push({
        path: 'userName',
        message: `user ${JSON.stringify(user)} may make no temporary tables, through which all but INSERT goes; GRANT TEMPORARY ON DATABASE … TO ${quoteAll([user])}`,
      })
  } catch (error) {
    // Asked about a role that has no such function, as behind some poolers: the first batch tells.
    if (!isServerError(error)) throw error
    problems.push({ path: 'userName', message: `the rights of the user cannot be found out: ${said(error)}` })
  }
  return problems
}
