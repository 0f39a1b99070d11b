import { type ConnectorKind, closest, type Problem } from '@pulsar-io/sdk'
import type { ArchiveLookup } from './archive-lookup.ts'
import type { ConfigPath, ConfigText } from './config-file.ts'
import { ConfigProblems } from './config-problems.ts'
import { type BuiltConnector, connectorFromDocument } from './connector-config.ts'
import { isObject } from './shape.ts'

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

/** What the connectors themselves say of their options, and the engine of the rest. Throws an ArchiveError. */
export async function optionProblems(connectors: readonly BuiltConnector[]): Promise<readonly Problem[]> {
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
