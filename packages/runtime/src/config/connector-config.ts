import {
  type ConnectorSpec,
  type SinkConfig,
  type SourceConfig,
  sinkConfigSchema,
  sourceConfigSchema,
} from '@pulsar-io/engine'
import { type ConnectorKind, isConnectorError, type Problem, parseConfig } from '@pulsar-io/sdk'
import { commonFlags } from '../flags/common.ts'
import type { FlagValues } from '../flags/flag.ts'
import { sinkFlags } from '../flags/sink.ts'
import { sourceFlags } from '../flags/source.ts'
import { type ArchiveLookup, archiveOf } from './archive-lookup.ts'
import { type ConfigText, parseConfigText, readConfigFile } from './config-file.ts'
import { ConfigProblems } from './config-problems.ts'
import { flagFields } from './flag-fields.ts'
import { type Origin, Origins } from './origins.ts'
import { isObject, type Shape, shapeName, tellShape } from './shape.ts'

/** A connector to run, and where its description came from. */
export interface BuiltConnector {
  readonly spec: ConnectorSpec
  /** Turns the engine's complaints into ones that name file, line and flag. */
  explain(problems: readonly Problem[]): Promise<ConfigProblems>
  /**
   * Loads the connector and has it check its options; `all` checks the rules between the fields as well. Throws
   * ConfigProblems, or an ArchiveError.
   */
  check(what: 'options' | 'all'): Promise<void>
}

/** Flags of each kind that set fields. */
export const FLAGS_OF = {
  sink: [...commonFlags, ...sinkFlags],
  source: [...commonFlags, ...sourceFlags],
} as const

/**
 * Makes a connector out of flags and files. Flags overrule `--<kind>-config`, which overrules `--<kind>-config-file`.
 *
 * @throws ConfigProblems with everything that is wrong, `before` included: what the caller found already.
 */
export async function connectorFromFlags(
  kind: ConnectorKind,
  values: FlagValues,
  lookup: ArchiveLookup,
  before: readonly Problem[] = [],
  complete = true,
): Promise<BuiltConnector> {
  const problems: Problem[] = [...before]
  const flags = flagFields(FLAGS_OF[kind], values, problems)
  const origins = new Origins(kind)
  for (const [field, flag] of flags.origins) origins.flag(field, flag)
  let merged: { [field: string]: unknown } = {}
  let unread = false
  for (const source of await textsOf(kind, values, problems)) {
    const read = source && (await readShape(kind, source, { ...merged, ...flags.fields }, lookup, problems))
    if (source === undefined || read === undefined) {
      unread = true
      continue
    }
    origins.file({ text: source, document: 0, shape: read.shape })
    merged = { ...merged, ...read.fields }
  }
  const resources = isObject(merged.resources) ? { ...merged.resources, ...(flags.fields.resources as object) } : {}
  const raw = { ...merged, ...flags.fields, ...(Object.keys(resources).length > 0 ? { resources } : {}) }
  // What is missing may stand in the text that could not be read.
  return finish(
    kind,
    raw,
    origins,
    unread ? undefined : lookup,
    problems,
    complete && !unread ? missing(kind, raw) : [],
  )
}

/**
 * Checks a configuration without what only a run needs, such as topics.
 *
 * @throws ConfigProblems with everything that is wrong, or an ArchiveError.
 */
export async function checkConnector(kind: ConnectorKind, values: FlagValues, lookup: ArchiveLookup): Promise<void> {
  const connector = await connectorFromFlags(kind, values, lookup, [], false)
  await connector.check('options')
}

/** Makes a connector out of one document of a pipeline file. Throws as {@link connectorFromFlags}. */
export async function connectorFromDocument(
  kind: ConnectorKind,
  fields: { readonly [field: string]: unknown },
  origin: Origin,
  lookup: ArchiveLookup,
): Promise<BuiltConnector> {
  const origins = new Origins(kind)
  origins.file(origin)
  return finish(kind, fields, origins, lookup, [], missing(kind, fields))
}

/** Without `lookup` the connector is not asked about its options, because they are not all known. */
async function finish(
  kind: ConnectorKind,
  raw: { readonly [field: string]: unknown },
  origins: Origins,
  lookup: ArchiveLookup | undefined,
  found: readonly Problem[],
  absent: readonly Problem[],
): Promise<BuiltConnector> {
  const schema = kind === 'sink' ? sinkConfigSchema : sourceConfigSchema
  const result = parseConfig(schema as typeof sinkConfigSchema, raw)
  const problems = [...(result.ok ? [] : result.problems), ...absent]
  if (lookup === undefined || found.length > 0 || problems.length > 0 || !result.ok) {
    const explained = await origins.explain(problems, lookup ? await connectorProblems(kind, raw, lookup) : [])
    throw new ConfigProblems([...found, ...explained.problems], explained.notes)
  }
  const config: SinkConfig | SourceConfig = result.config
  const spec = { kind, config } as ConnectorSpec
  return {
    spec,
    explain: async each => {
      // What the engine checks before it loads the connector hides what the connector would have said.
      const own = await connectorProblems(kind, raw, lookup)
      const options = new Set(own.map(({ path }) => path))
      const rest = each.filter(({ path }) => !options.has(path))
      const explained = await origins.explain(rest, own)
      return new ConfigProblems(explained.problems, explained.notes)
    },
    check: async what => {
      const reference = archiveOf(kind, raw) ?? ''
      const own = await lookup.configProblems(reference, kind, raw.configs ?? {}, raw.secrets)
      const between = what === 'all' ? await lookup.planProblems([spec]) : []
      if (own.length + between.length === 0) return
      const explained = await origins.explain(between, own)
      throw new ConfigProblems(explained.problems, explained.notes)
    },
  }
}

/** What has to be there and has no default. */
function missing(kind: ConnectorKind, raw: { readonly [field: string]: unknown }): readonly Problem[] {
  const problems: Problem[] = []
  const type = kind === 'sink' ? 'sinkType' : 'sourceType'
  if (raw.archive === undefined && raw[type] === undefined) {
    problems.push({
      path: 'archive',
      message: 'required: give --archive <path or builtin://NAME>, or archive: in the file',
    })
  } else if (raw.archive !== undefined && raw[type] !== undefined) {
    problems.push({ path: type, message: `says the same as archive; give one of them` })
  }
  if (kind === 'source') {
    if (!raw.topicName) {
      problems.push({
        path: 'topicName',
        message: 'required: give --destination-topic-name <topic>, or topicName: in the file',
      })
    }
    return problems
  }
  const inputs = ['inputs', 'topicsPattern', 'inputSpecs', 'topicToSchemaType', 'topicToSerdeClassName']
  if (!inputs.some(field => isFilled(raw[field]))) {
    problems.push({
      path: 'inputs',
      message: 'required: give --inputs <topic,topic> or --topics-pattern <regex>, or inputs: in the file',
    })
  }
  return problems
}

function isFilled(value: unknown): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0
  return isObject(value) && Object.keys(value).length > 0
}

/** What the connector itself says of its options, so that one run shows every problem there is. */
async function connectorProblems(
  kind: ConnectorKind,
  raw: { readonly [field: string]: unknown },
  lookup: ArchiveLookup,
): Promise<readonly Problem[]> {
  const archive = archiveOf(kind, raw)
  if (archive === undefined || !(raw.configs === undefined || isObject(raw.configs))) return []
  try {
    return await lookup.configProblems(archive, kind, raw.configs ?? {}, raw.secrets)
  } catch (error) {
    if (isConnectorError(error) && error.code.startsWith('PIO_ARCHIVE_')) {
      return [{ path: 'archive', message: error.message }]
    }
    throw error
  }
}

/** The texts that describe the connector, the least important first; undefined: it could not be read. */
async function textsOf(
  kind: ConnectorKind,
  values: FlagValues,
  problems: Problem[],
): Promise<readonly (ConfigText | undefined)[]> {
  const texts: (ConfigText | undefined)[] = []
  const file = values[`${kind}ConfigFile`]
  if (typeof file === 'string') texts.push(await readConfigFile(file, `--${kind}-config-file`, problems))
  const inline = values[`${kind}Config`]
  if (typeof inline === 'string') {
    const flag = `--${kind}-config`
    texts.push(
      /^\s*[{[]/.test(inline)
        ? await parseConfigText(flag, inline, problems)
        : await readConfigFile(inline, flag, problems),
    )
  }
  return texts
}

async function readShape(
  kind: ConnectorKind,
  source: ConfigText,
  known: { readonly [field: string]: unknown },
  lookup: ArchiveLookup,
  problems: Problem[],
): Promise<{ readonly fields: { readonly [field: string]: unknown }; readonly shape: Shape } | undefined> {
  if (source.documents.length > 1) {
    problems.push({ path: source.label, message: 'has several documents; run them together with `runtime run -f`' })
    return undefined
  }
  // An empty file says nothing, which is what it means.
  const value = source.documents[0] ?? {}
  if (!isObject(value)) {
    problems.push({
      path: source.label,
      message: `must be an object: ${shapeName(kind)}, or the options of the connector${Array.isArray(value) ? '; run a list with `runtime run -f`' : ''}`,
    })
    return undefined
  }
  const schema = kind === 'sink' ? sinkConfigSchema : sourceConfigSchema
  const archive = archiveOf(kind, { ...value, ...known })
  const shape = await tellShape(kind, value, new Set(Object.keys(schema.shape)), () =>
    lookup.optionNames(archive, kind),
  )
  return { fields: shape.reading === 'pulsar' ? value : { configs: value }, shape }
}
