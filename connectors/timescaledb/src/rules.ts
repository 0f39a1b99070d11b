import { type Address, parseAddress, parseHosts } from './address.ts'
import { parseTableName } from './identifier.ts'

/** One thing wrong with a configuration. */
export interface Finding {
  readonly path: readonly string[]
  readonly message: string
}

/** What the rules look at; a field may be missing or of the wrong type, which is reported elsewhere. */
type Raw = { readonly [field: string]: unknown }

/** The rules that go beyond one field's type. */
export function problemsIn(config: Raw): Finding[] {
  return [
    ...addressProblems(config),
    ...tableProblems(config),
    ...keyProblems(config),
    ...batchProblems(config),
    ...creationProblems(config),
    ...sslProblems(config.ssl),
  ]
}

const isSet = (value: unknown): boolean => value !== undefined && value !== ''

function addressProblems(config: Raw): Finding[] {
  const ways = ['connection', 'connectionString', 'jdbcUrl'].filter(field => isSet(config[field]))
  const first = ways[0]
  if (first === undefined)
    return [
      {
        path: ['connection'],
        message:
          'required: where the database is, for example {"host": "localhost", "port": 5432, "database": "metrics"}',
      },
    ]
  if (ways.length > 1)
    return [{ path: [], message: `only one way to say where the database is can be used, got ${ways.join(' and ')}` }]
  if (first === 'connection') return connectionProblems(config)
  return urlProblems(config, first)
}

function connectionProblems(config: Raw): Finding[] {
  if (typeof config.connection !== 'object' || config.connection === null) return []
  const { host, user, password } = config.connection as Raw
  const findings: Finding[] = []
  if (typeof host === 'string')
    findings.push(...thrown(() => parseHosts(host)).map(message => ({ path: ['connection', 'host'], message })))
  if (isSet(user) && isSet(config.userName) && user !== config.userName)
    findings.push({ path: ['userName'], message: `is another user than connection.user` })
  if (isSet(password) && isSet(config.password))
    findings.push({ path: ['password'], message: 'connection.password is set, too; keep one of them' })
  if (!isSet(user) && !isSet(config.userName))
    findings.push({ path: ['connection', 'user'], message: 'required: the user, here or as userName' })
  return findings
}

function urlProblems(config: Raw, field: string): Finding[] {
  const text = config[field]
  if (typeof text !== 'string') return []
  const at = (message: string): Finding => ({ path: [field], message })
  let address: Address | undefined
  const wrong = thrown(() => {
    address = parseAddress(text)
  })
  if (wrong.length > 0) return wrong.map(at)
  const findings: Finding[] = []
  if (field === 'jdbcUrl') {
    if (!text.startsWith('jdbc:')) findings.push(at('must start with jdbc:postgresql://; or name it connectionString'))
    if (address?.password) findings.push(at('must not hold a password, for it is shown in logs; use password'))
  }
  if (!address?.user && !isSet(config.userName))
    findings.push({ path: ['userName'], message: `required, because ${field} names no user` })
  return findings
}

function tableProblems({ tableName, positionsTable }: Raw): Finding[] {
  const names = { tableName, positionsTable }
  return Object.entries(names).flatMap(([field, name]) =>
    typeof name === 'string' ? thrown(() => parseTableName(name)).map(message => ({ path: [field], message })) : [],
  )
}

function keyProblems({ key, nonKey, insertMode, nullValueAction, excludeNonDeclaredFields }: Raw): Finding[] {
  if (!Array.isArray(key) || !Array.isArray(nonKey)) return []
  const path = ['key']
  const findings: Finding[] = []
  if (key.length === 0) {
    const why = [
      ...(insertMode === 'UPSERT' || insertMode === 'UPDATE' ? [`insertMode is ${insertMode}`] : []),
      ...(nullValueAction === 'DELETE' ? ['nullValueAction is DELETE'] : []),
    ]
    if (why.length > 0) findings.push({ path, message: `required, because ${why.join(' and ')}` })
    if (excludeNonDeclaredFields === true && nonKey.length === 0)
      findings.push({ path, message: 'required with excludeNonDeclaredFields: otherwise no column is left' })
  }
  const both = key.filter(name => nonKey.includes(name))
  if (both.length > 0) findings.push({ path: ['nonKey'], message: `${both.join(', ')} is in key already` })
  return findings
}

function batchProblems({ batchSize, timeoutMs }: Raw): Finding[] {
  return batchSize === 0 && timeoutMs === 0
    ? [{ path: ['batchSize'], message: 'batchSize or timeoutMs has to be above 0' }]
    : []
}

function creationProblems({ createTable, columns, hypertable, key }: Raw): Finding[] {
  if (typeof columns !== 'object' || columns === null || !Array.isArray(key)) return []
  const names = Object.keys(columns)
  const findings: Finding[] = []
  const known = (path: readonly string[], name: unknown) => {
    if (names.length > 0 && typeof name === 'string' && name !== '' && !names.includes(name))
      findings.push({ path, message: `${JSON.stringify(name)} is not in columns: ${names.join(', ')}` })
  }
  for (const name of key) known(['key'], name)
  if (typeof hypertable === 'object' && hypertable !== null) {
    const { timeColumn, partitionColumn, segmentBy } = hypertable as Raw
    known(['hypertable', 'timeColumn'], timeColumn)
    known(['hypertable', 'partitionColumn'], partitionColumn)
    if (Array.isArray(segmentBy)) for (const name of segmentBy) known(['hypertable', 'segmentBy'], name)
    for (const [column, what] of [
      [timeColumn, 'timeColumn'],
      [partitionColumn, 'partitionColumn'],
    ])
      if (createTable === true && key.length > 0 && names.includes(String(column)) && !key.includes(column))
        findings.push({
          path: ['key'],
          message: `has to hold ${what} ${column}: TimescaleDB asks it of a unique index`,
        })
  }
  return findings
}

function sslProblems(raw: unknown): Finding[] {
  if (typeof raw !== 'object' || raw === null) return []
  const { cert, key } = raw as Raw
  const findings: Finding[] = []
  if (isSet(cert) && !isSet(key)) findings.push({ path: ['ssl', 'key'], message: 'required because ssl.cert is set' })
  if (isSet(key) && !isSet(cert)) findings.push({ path: ['ssl', 'cert'], message: 'required because ssl.key is set' })
  return findings
}

function thrown(work: () => unknown): string[] {
  try {
    work()
    return []
  } catch (error) {
    return [(error as Error).message]
  }
}
