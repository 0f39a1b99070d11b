import { type ConnectorKind, closest, isConnectorError, type Problem } from '@pulsar-io/sdk'
import { ArchiveLookup } from '../config/archive-lookup.ts'
import { type ConfigPath, type ConfigText, readConfigFile } from '../config/config-file.ts'
import { ConfigProblems } from '../config/config-problems.ts'
import { type BuiltConnector, connectorFromDocument } from '../config/connector-config.ts'
import { isObject } from '../config/shape.ts'
import { EXIT } from '../exit.ts'
import type { FlagValues } from '../flags/flag.ts'
import { localOptions } from '../flags/run-options.ts'
import { outputTo } from '../output.ts'
import { runSession } from '../session.ts'

/** `run -f`: all sources and sinks of a file in one process. */
export async function runFile(values: FlagValues): Promise<number> {
  const problems: Problem[] = []
  const local = localOptions(values, problems)
  const lookup = new ArchiveLookup(local.engine)
  const file = values.file
  if (typeof file !== 'string') {
    throw new ConfigProblems([...problems, { path: '--file', message: 'required: the pipeline, a JSON or YAML file' }])
  }
  const text = await readConfigFile(file, '--file', problems)
  const connectors = text === undefined ? [] : await readPipeline(text, lookup, problems, local.logLevel)
  const checkOnly = values.validateOnly === true || values.dryRun === true
  if (checkOnly || problems.length > 0) problems.push(...(await optionProblems(connectors)))
  if (checkOnly && problems.length === 0)
    problems.push(...(await lookup.planProblems(connectors.map(each => each.spec))))
  if (problems.length > 0) throw new ConfigProblems(problems)
  if (checkOnly) {
    const names = connectors.map(({ spec }) => spec.kind)
    const count = (kind: ConnectorKind) => names.filter(each => each === kind).length
    await outputTo(process.stdout).write(`${file} is valid: sources ${count('source')}, sinks ${count('sink')}\n`)
    return EXIT.ok
  }
  return runSession(
    connectors.map(({ spec }) => spec),
    {
      ...local,
      warnings: [],
      explain: error => (isConfigError(error) ? explainAll(connectors, error) : Promise.resolve(error)),
    },
  )
}

/** The connectors of a file: a list, or documents, or both. `logLevel` overrules theirs. */
export async function readPipeline(
  text: ConfigText,
  lookup: ArchiveLookup,
  problems: Problem[],
  logLevel?: string,
): Promise<readonly BuiltConnector[]> {
  const entries = text.documents.flatMap((value, document) => {
    // `---` at the end of a file makes an empty document.
    if (value === null || value === undefined) return []
    if (!Array.isArray(value)) return [{ value: value as unknown, document, at: [] as ConfigPath }]
    return value.map((each: unknown, i) => ({ value: each, document, at: [i] }))
  })
  if (entries.length === 0) problems.push({ path: text.label, message: 'has no connectors' })
  const connectors: BuiltConnector[] = []
  for (const [i, { value, document, at }] of entries.entries()) {
    const kind = entryKind(value, `${text.label} connector ${i + 1}`, problems)
    if (kind === undefined || !isObject(value)) continue
    const { kind: _, ...described } = value
    const fields = { ...described, ...(logLevel === undefined ? {} : { logLevel }) }
    const shape = { reading: 'pulsar', because: 'a pipeline is made of these', misplaced: [] } as const
    try {
      connectors.push(await connectorFromDocument(kind, fields, { text, document, at, shape }, lookup))
    } catch (error) {
      if (!(error instanceof ConfigProblems)) throw error
      problems.push(...error.problems)
    }
  }
  return connectors
}

function entryKind(value: unknown, label: string, problems: Problem[]): ConnectorKind | undefined {
  if (!isObject(value)) {
    problems.push({ path: label, message: 'must be an object with kind: source or kind: sink' })
    return undefined
  }
  const { kind } = value
  if (kind === 'sink' || kind === 'source') return kind
  const guess = typeof kind === 'string' ? closest(kind, ['sink', 'source']) : undefined
  const message =
    kind === undefined
      ? 'required: sink or source'
      : `must be sink or source, got ${JSON.stringify(kind)}${guess ? `; did you mean ${guess}?` : ''}`
  problems.push({ path: `${label} kind`, message })
  return undefined
}

/** The engine names the option but not the connector: the one whose own check complains is meant. */
async function explainAll(connectors: readonly BuiltConnector[], error: unknown): Promise<unknown> {
  const found = await optionProblems(connectors)
  return found.length > 0 ? new ConfigProblems(found) : error
}

/** What the connectors themselves say of their options, and the engine of the rest. Throws an ArchiveError. */
async function optionProblems(connectors: readonly BuiltConnector[]): Promise<readonly Problem[]> {
  const found: Problem[] = []
  for (const connector of connectors) {
    try {
      await connector.check('all')
    } catch (error) {
      if (!(error instanceof ConfigProblems)) throw error
      found.push(...error.problems)
    }
  }
  return found
}

function isConfigError(error: unknown): boolean {
  return isConnectorError(error) && error.code === 'PIO_CONFIG'
}
