import { closest, type Problem } from '@pulsar-io/sdk'
import { type Flag, type FlagGroup, type FlagValues, flagKey, flagName } from '../flags/flag.ts'
import { jsonMistake } from './json-error.ts'

/** Fields as flags gave them, and which flag gave each. */
export interface FlagFields {
  readonly fields: { readonly [field: string]: unknown }
  /** `resources.cpu` → `--cpu`. */
  readonly origins: ReadonlyMap<string, string>
}

/** Turns flags into fields of a configuration. A flag that is absent sets nothing, so that a file keeps its say. */
export function flagFields(groups: readonly FlagGroup[], values: FlagValues, problems: Problem[]): FlagFields {
  const fields: { [field: string]: unknown } = {}
  const origins = new Map<string, string>()
  for (const flag of groups.flatMap(group => group.flags)) {
    const given = values[flagKey(flag)]
    if (given === undefined || flag.field === undefined) continue
    const value = flagValue(flag, given, problems)
    origins.set(flag.field, flagName(flag))
    if (value === undefined) continue
    const [outer, inner] = flag.field.split('.')
    if (outer === undefined) continue
    fields[outer] = inner === undefined ? value : { ...(fields[outer] as object | undefined), [inner]: value }
  }
  return { fields, origins }
}

/** The value of a flag; undefined when it is wrong, and then `problems` says why. */
export function flagValue(flag: Flag, given: NonNullable<FlagValues[string]>, problems: Problem[]): unknown {
  if (flag.choices && typeof given === 'string') return choice(flag, given, problems)
  if (flag.repeatable && typeof given === 'object') return flag.list ? given : given.join(',')
  if (!flag.json || typeof given !== 'string') return given
  try {
    return JSON.parse(given) as unknown
  } catch (error) {
    problems.push({ path: flagName(flag), message: `must be JSON: ${jsonMistake(given, error).message}` })
    return undefined
  }
}

function choice(flag: Flag, given: string, problems: Problem[]): string | undefined {
  const choices = flag.choices ?? []
  const found = choices.find(each => each.toLowerCase() === given.toLowerCase())
  if (found !== undefined) return found
  const guess = closest(given, choices)
  const hint = guess ? `; did you mean ${guess}?` : ''
  problems.push({
    path: flagName(flag),
    message: `must be one of ${choices.join(', ')}, got ${JSON.stringify(given)}${hint}`,
  })
  return undefined
}
