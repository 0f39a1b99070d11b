import { parseRoots } from './roots.ts'

/** One thing wrong with a configuration. */
interface Finding {
  readonly path: readonly string[]
  readonly message: string
}

/** What the rules look at; a field may be missing or of the wrong type, which is reported elsewhere. */
type Raw = { readonly [field: string]: unknown }

/** The rules that go beyond one field's type. */
export function problemsIn(config: Raw): Finding[] {
  return [
    ...rootProblems(config.roots),
    ...nameProblems(config),
    ...pairProblems(config),
    ...modeProblems(config),
    ...tlsProblems(config.tls),
  ]
}

function rootProblems(raw: unknown): Finding[] {
  if (typeof raw !== 'string') return []
  const path = ['roots']
  try {
    return parseRoots(raw).length > 0 ? [] : [{ path, message: 'must name a node, such as localhost:9042' }]
  } catch (error) {
    return [{ path, message: (error as Error).message }]
  }
}

/** Names of keyspaces and tables: letters, digits and underscores, and at most 48 of them. */
function nameProblems(config: Raw): Finding[] {
  return ['keyspace', 'columnFamily'].flatMap(field => {
    const name = config[field]
    if (typeof name !== 'string' || /^\w{1,48}$/.test(name)) return []
    return [{ path: [field], message: `must be 1 to 48 letters, digits and underscores, got ${JSON.stringify(name)}` }]
  })
}

const isSet = (value: unknown): boolean => typeof value === 'string' && value !== ''

function pairProblems(config: Raw): Finding[] {
  const pairs = [
    ['keyname', 'columnName'],
    ['userName', 'password'],
  ] as const
  return pairs.flatMap(([one, other]) => {
    if (isSet(config[one]) === isSet(config[other])) return []
    const [set, missing] = isSet(config[one]) ? [one, other] : [other, one]
    return [{ path: [missing], message: `required because ${set} is set` }]
  })
}

function modeProblems(config: Raw): Finding[] {
  const findings: Finding[] = []
  const add = (field: string, message: string) => findings.push({ path: [field], message })
  const single = isSet(config.keyname) && isSet(config.columnName)
  if (single && config.keyname === config.columnName) add('columnName', 'must be another column than keyname')
  if (single && Object.keys((config.mapping as object | null | undefined) ?? {}).length > 0)
    add('mapping', 'has no effect with keyname and columnName; leave one of them out')
  if (config.createTableIfNeeded === true && !single && !isSet(config.tableDefinition))
    add('tableDefinition', 'required with createTableIfNeeded, where keyname and columnName are not set')
  if (config.createTableIfNeeded === false && isSet(config.tableDefinition))
    add('tableDefinition', 'has an effect only with createTableIfNeeded: true')
  return findings
}

function tlsProblems(raw: unknown): Finding[] {
  if (typeof raw !== 'object' || raw === null) return []
  const tls = raw as Raw
  const findings: Finding[] = []
  const add = (field: string, message: string) => findings.push({ path: ['tls', field], message })
  if (isSet(tls.certFile) && !isSet(tls.keyFile)) add('keyFile', 'required because tls.certFile is set')
  if (isSet(tls.keyFile) && !isSet(tls.certFile)) add('certFile', 'required because tls.keyFile is set')
  if (tls.enabled === false && (isSet(tls.caFile) || isSet(tls.certFile) || isSet(tls.keyFile)))
    add('enabled', 'must be true for the other tls options to have an effect')
  return findings
}
