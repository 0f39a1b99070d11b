import {
  type ConnectorPlan,
  type ConnectorSpec,
  checkOptions,
  isArchiveError,
  planConnector,
  type ResolvedArchive,
} from '@pulsar-io/engine'
import { isConnectorError, type Problem, parseConfig } from '@pulsar-io/sdk'
import { Gate } from '../gate.ts'
import { type ConnectorConfig, configSchemaOf, type Fqn, type KindFacts } from '../kinds.ts'
import { ReplyError } from '../reply-error.ts'

/** A configuration as JSON has it. */
export type RawConfig = { readonly [field: string]: unknown }

/** A configuration that was checked. */
export interface CheckedConfig {
  readonly config: ConnectorConfig
  readonly plan: ConnectorPlan
}

/** Each check is a thread of its own: many requests at a time must not be as many threads. */
const checks = new Gate(2)

/** Pulsar's words. */
const NO_INPUT =
  'Must specify at least one topic of input via topicToSerdeClassName, topicsPattern, topicToSchemaType or inputSpecs'

/**
 * Checks a configuration with the archive it is for: its fields, the rules between them, and the options of the
 * connector, by the connector itself. Throws a ReplyError (400) whose reason has everything that is wrong, one line each.
 */
export async function checkConfig(
  facts: KindFacts,
  fqn: Fqn,
  raw: RawConfig,
  archive: ResolvedArchive,
): Promise<CheckedConfig> {
  const lines: string[] = []
  if (archive.manifest[facts.kind] === undefined) {
    const other = facts.kind === 'sink' ? 'source' : 'sink'
    throw new ReplyError(400, `${archive.manifest.name} is a ${other}, not a ${facts.kind}; create it as a ${other}`)
  }
  const parsed = parseConfig(configSchemaOf(facts.kind), { ...withoutNulls(raw), ...fqn })
  const problems: Problem[] = parsed.ok ? [] : [...parsed.problems]
  let plan: ConnectorPlan | undefined
  if (parsed.ok) {
    const spec = { kind: facts.kind, config: parsed.config } as ConnectorSpec
    try {
      plan = await planConnector(spec, {}, archive)
    } catch (error) {
      problems.push(...problemsOf(error))
    }
  }
  problems.push(...(await optionProblems(facts, raw, archive)), ...hiddenProblems(raw))
  for (const { path, message } of problems) {
    const noInput = path === 'inputs' && message.startsWith('required: at least one topic')
    lines.push(noInput ? NO_INPUT : path === '' ? message : `${path}: ${message}`)
  }
  // Pulsar's words come first: its clients may look for them.
  lines.sort((a, b) => Number(b === NO_INPUT) - Number(a === NO_INPUT))
  if (lines.length > 0 || !parsed.ok || plan === undefined) throw new ReplyError(400, [...new Set(lines)].join('\n'))
  return { config: parsed.config, plan }
}

async function optionProblems(
  { kind }: KindFacts,
  { configs, secrets }: RawConfig,
  archive: ResolvedArchive,
): Promise<readonly Problem[]> {
  if (configs !== undefined && configs !== null && !isObject(configs)) return []
  const leave = await checks.enter()
  try {
    const check = {
      archive,
      kind,
      configs: isObject(configs) ? configs : {},
      secrets: isObject(secrets) ? secrets : undefined,
    }
    const problems = await checkOptions(check)
    return problems.map(({ path, message }) => ({ path: path ? `configs.${path}` : 'configs', message }))
  } catch (error) {
    if (isArchiveError(error)) throw new ReplyError(400, error.message, { cause: error })
    return problemsOf(error)
  } finally {
    leave()
  }
}

/** `***` is what a secret is shown as; nobody's password. */
function hiddenProblems(raw: RawConfig): readonly Problem[] {
  const found: Problem[] = []
  const look = (value: unknown, path: string): void => {
    if (value === '***')
      found.push({ path, message: 'is the *** that stands for a secret; give its value, or ${env:NAME}' })
    if (typeof value !== 'object' || value === null) return
    for (const [name, part] of Object.entries(value)) look(part, `${path}.${name}`)
  }
  look(raw.configs, 'configs')
  look(raw.secrets, 'secrets')
  return found
}

/** What is wrong, of an error that says it; any other is a bug here, and thrown. */
function problemsOf(error: unknown): readonly Problem[] {
  if (!isConnectorError(error)) throw error
  const { problems } = error as { readonly problems?: readonly Problem[] }
  return problems ?? [{ path: '', message: error.message }]
}

/** Java clients may write fields that are not set as null. */
export function withoutNulls(raw: RawConfig): RawConfig {
  return Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== null))
}

/** True for an object with keys. */
export function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
