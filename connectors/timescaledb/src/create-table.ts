import type { Problem } from '@pulsar-io/sdk'
import { isServerError, type Session } from './client.ts'
import { said } from './errors.ts'
import { parseTableName, quote, quoteAll } from './identifier.ts'
import type { Config } from './options.ts'
import { typePart } from './type-part.ts'

/** Makes the table. Returns everything that stands in the way instead. */
export async function createTable(session: Session, { tableName, columns, key }: Config): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const [name, column] of Object.entries(columns)) {
    const problem = await typeProblem(session, column)
    if (problem !== undefined) problems.push({ path: `columns.${name}`, message: problem })
  }
  if (problems.length > 0) return problems
  const lines = Object.entries(columns).map(([name, type]) => `${quote(name)} ${type}`)
  if (key.length > 0) lines.push(`PRIMARY KEY (${quoteAll(key)})`)
  const sql = parseTableName(tableName).map(quote).join('.')
  try {
    // Two that make it at once would get in each other's way, in spite of IF NOT EXISTS.
    await session.query(
      `BEGIN; SELECT pg_advisory_xact_lock(hashtext('pulsar-io')); CREATE TABLE IF NOT EXISTS ${sql} (${lines.join(', ')}); COMMIT`,
    )
    return []
  } catch (error) {
    if (!isServerError(error)) throw error
    await session.query('ROLLBACK')
    // Resources, connections and the like are no fault of the configuration.
    if (!/^(22|2B|3F|42|0A)/.test(error.code)) throw error
    return [{ path: 'tableName', message: `${tableName} cannot be made: ${said(error)}` }]
  }
}

async function typeProblem(session: Session, column: string): Promise<string | undefined> {
  const type = typePart(column)
  try {
    const [row] = await session.query('SELECT to_regtype($1) IS NULL AS unknown', [type])
    return row?.unknown === true ? `${JSON.stringify(type)} is no type here` : undefined
  } catch (error) {
    if (!isServerError(error)) throw error
    return `${JSON.stringify(type)} is no type: ${said(error)}`
  }
}
