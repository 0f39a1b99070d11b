import {
  ConfigError,
  ConnectorError,
  closest,
  isConnectorError,
  type Logger,
  type Problem,
  type ProcessingGuarantee,
} from '@pulsar-io/sdk'
import type { Session } from './client.ts'
import type { Config } from './options.ts'
import { createKeyspaceStatement, createTableStatement } from './statements.ts'
import { type Column, findKeyspace, findTable, type Table } from './table.ts'

/**
 * The table to write to, created where that is asked for. Throws what stands in the way: an error that blocks where it
 * is missing, a ConfigError with everything that does not fit where it is there.
 */
export async function openTarget(
  session: Session,
  config: Config,
  guarantee: ProcessingGuarantee,
  logger: Logger,
): Promise<Table> {
  const keyspace =
    (await findKeyspace(session.query, config.keyspace)) ?? (await createKeyspace(session, config, logger))
  const table =
    (await findTable(session.query, keyspace, config.columnFamily)) ??
    (await createTable(session, keyspace, config, logger))
  const problems = problemsOf(table, config, guarantee)
  if (problems.length > 0) throw new ConfigError(problems, { code: 'PIO_CASSANDRA_COLUMNS' })
  return table
}

async function createKeyspace(session: Session, config: Config, logger: Logger): Promise<string> {
  const { keyspace, replicationFactor } = config
  if (!config.createKeyspaceIfNeeded) {
    const known = await session.query('SELECT keyspace_name FROM system_schema.keyspaces')
    throw missing(`there is no keyspace ${keyspace}`, keyspace, known, 'keyspace_name', 'createKeyspaceIfNeeded')
  }
  await session.query(createKeyspaceStatement(keyspace, session.datacenter, replicationFactor))
  logger.info(`created keyspace ${keyspace}`, { datacenter: session.datacenter, replicationFactor })
  return keyspace
}

async function createTable(session: Session, keyspace: string, config: Config, logger: Logger): Promise<Table> {
  const name = config.columnFamily
  if (!config.createTableIfNeeded) {
    const known = await session.query('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [keyspace])
    throw missing(`there is no table ${keyspace}.${name}`, name, known, 'table_name', 'createTableIfNeeded')
  }
  const statement = createTableStatement(keyspace, config)
  try {
    await session.query(statement)
  } catch (error) {
    if (!isConnectorError(error) || (error.retry !== 'reject' && error.code !== 'PIO_CASSANDRA_REFUSED')) throw error
    throw new ConfigError([{ path: 'tableDefinition', message: `${error.message}, in: ${statement}` }], {
      cause: error,
    })
  }
  logger.info(`created table ${keyspace}.${name}`, { statement })
  const table = await findTable(session.query, keyspace, name)
  if (!table) throw new Error(`${keyspace}.${name} was created and is not there`)
  return table
}

function missing(
  what: string,
  name: string,
  rows: readonly { readonly [column: string]: unknown }[],
  column: string,
  option: string,
): ConnectorError {
  const guess = closest(
    name,
    rows.map(row => String(row[column])),
  )
  const hint = guess ? `did you mean ${guess}? Otherwise create it` : 'create it'
  return new ConnectorError('PIO_CASSANDRA_NO_TABLE', 'block', `${what}; ${hint}, or set ${option}`)
}

function problemsOf(table: Table, config: Config, guarantee: ProcessingGuarantee): Problem[] {
  const problems: Problem[] = []
  const where = `${table.keyspace}.${table.name}`
  const check = (path: string, name: string): Column | undefined => {
    const column = columnNamed(table, name)
    if (!column) problems.push({ path, message: `${where} has no column ${name}; ${cure(table, name)}` })
    return column
  }
  if (config.keyname !== '') {
    const key = check('keyname', config.keyname)
    const whole = table.key.map(column => column.name)
    if (key && (whole.length !== 1 || whole[0] !== key.name))
      problems.push({
        path: 'keyname',
        message: `the primary key of ${where} is (${whole.join(', ')}); a record’s key makes one column, so leave keyname and columnName out and write fields`,
      })
    const value = check('columnName', config.columnName)
    if (value && table.key.includes(value))
      problems.push({
        path: 'columnName',
        message: `${value.name} is part of the primary key of ${where}; name another`,
      })
  }
  for (const [field, name] of Object.entries(config.mapping)) check(`mapping.${field}`, name)
  for (const { name, type } of used(table, config)) {
    if (type.kind === 'counter')
      problems.push({
        path: 'columnFamily',
        message: `column ${name} of ${where} is a counter, which can only be added to, so that a repeated record would count twice; name a table without counters`,
      })
    if (type.kind === 'list' && !type.frozen && guarantee === 'EFFECTIVELY_ONCE')
      problems.push({
        path: 'columnFamily',
        message: `column ${name} of ${where} is a ${type.text}, to which Cassandra appends when a record comes again; make it frozen<${type.text}> or a set, or use ATLEAST_ONCE`,
      })
  }
  return problems
}

/** The columns that records can get into. */
function used(table: Table, { keyname, columnName }: Config): readonly Column[] {
  if (keyname === '') return table.columns
  return [keyname, columnName].flatMap(name => columnNamed(table, name) ?? [])
}

/** By its exact name, or else by the one that CQL would have made of it. */
export function columnNamed({ columns }: Table, name: string): Column | undefined {
  return columns.find(column => column.name === name) ?? columns.find(column => column.name === name.toLowerCase())
}

function cure({ columns }: Table, name: string): string {
  const names = columns.map(column => column.name)
  const guess = closest(name, names)
  return guess ? `did you mean ${guess}?` : `it has ${names.join(', ')}`
}
