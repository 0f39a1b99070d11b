import type { ConnectorDefinition, ConnectorKind, Manifest } from '@pulsar-io/sdk'
import { MANIFEST_FILE } from './format.ts'

/** A definition and the name it is exported under. */
export interface ExportedDefinition {
  readonly export: string
  readonly definition: ConnectorDefinition
}

/** True for what `defineSink` and `defineSource` of any copy of the SDK return. */
export function isDefinition(value: unknown): value is ConnectorDefinition {
  if (typeof value !== 'object' || value === null) return false
  const candidate = value as { [key: string]: unknown }
  return (
    (candidate.kind === 'sink' || candidate.kind === 'source') &&
    typeof candidate.name === 'string' &&
    typeof candidate.apiLevel === 'number' &&
    typeof candidate.parse === 'function' &&
    typeof candidate.jsonSchema === 'function' &&
    typeof candidate.create === 'function'
  )
}

/** The definitions that a module exports, each once; `default` wins over another name of the same value. */
export function findDefinitions(module: object): ExportedDefinition[] {
  const found: ExportedDefinition[] = []
  const names = Object.keys(module).sort(
    (a, b) => Number(b === 'default') - Number(a === 'default') || (a < b ? -1 : 1),
  )
  for (const name of names) {
    const value: unknown = (module as { [key: string]: unknown })[name]
    if (isDefinition(value) && !found.some(other => other.definition === value)) {
      found.push({ export: name, definition: value })
    }
  }
  return found
}

/** What a package says of itself, besides its definitions. */
export interface PackageFacts {
  readonly version: string
  readonly description: string
  /** Path of the entry inside the package. */
  readonly entry: string
  /** sha256 in hex by path. */
  readonly files: { readonly [path: string]: string }
}

/**
 * The manifest of a package with these definitions.
 *
 * @throws Error that lists every rule the definitions break.
 */
export function buildManifest(exported: readonly ExportedDefinition[], facts: PackageFacts): Manifest {
  const problems: string[] = []
  const [first] = exported
  if (first === undefined) throw new Error('it exports no connector; export what defineSink or defineSource returns')
  for (const kind of ['sink', 'source'] as const) {
    const same = exported.filter(({ definition }) => definition.kind === kind)
    if (same.length > 1) {
      problems.push(
        `it exports ${same.length} ${kind}s (${same.map(each => each.export).join(', ')}); one is the limit`,
      )
    }
  }
  for (const { definition, export: name } of exported) {
    if (definition.name !== first.definition.name) {
      problems.push(`${name} is named ${definition.name}, but ${first.export} is named ${first.definition.name}`)
    }
    if (definition.apiLevel !== first.definition.apiLevel) {
      problems.push(
        `${name} has API level ${definition.apiLevel}, but ${first.export} has ${first.definition.apiLevel}`,
      )
    }
  }
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const of = (kind: ConnectorKind) => exported.find(({ definition }) => definition.kind === kind)
  const sink = of('sink')
  const source = of('source')
  return {
    manifestVersion: 1,
    name: first.definition.name,
    version: facts.version,
    description: facts.description,
    apiLevel: first.definition.apiLevel,
    kinds: [...(sink ? (['sink'] as const) : []), ...(source ? (['source'] as const) : [])],
    entry: facts.entry,
    ...(sink?.definition.kind === 'sink' && { sink: { ...sectionOf(sink), delivery: sink.definition.delivery } }),
    ...(source?.definition.kind === 'source' && {
      source: { ...sectionOf(source), delivery: source.definition.delivery },
    }),
    files: Object.fromEntries(Object.entries(facts.files).filter(([path]) => path !== MANIFEST_FILE)),
  }
}

function sectionOf(exported: ExportedDefinition) {
  const { definition } = exported
  return { export: exported.export, summary: definition.summary, configSchema: definition.jsonSchema() }
}
