import type { ConfigResult, JsonSchema } from '@pulsar-io/sdk'

/** A configuration as an operator writes it. */
export type RawConfig = { readonly [option: string]: unknown }

/** Makes another configuration of one that works. */
export type ConfigChange = (working: RawConfig) => RawConfig

/** A configuration with a mistake in it. */
export interface Mistake {
  readonly config: ConfigChange
  /** What the message has to say of it, for example `127.0.0.1:1` or the name of the table. */
  readonly names: string
}

/** Configurations that cannot work, of which a connector has to tell when it is opened. */
export interface Mistakes {
  /** Nobody listens there. */
  readonly wrongAddress?: Mistake
  /** Somebody listens, and refuses these credentials; `secret` must never be shown. */
  readonly wrongCredentials?: { readonly config: ConfigChange; readonly secret: string }
  /** The table, queue or file is not there and is not to be made. */
  readonly missingTarget?: Mistake
}

/** What both kinds of definition offer for configurations. */
export interface Configurable {
  parse(config: unknown): ConfigResult<unknown>
  jsonSchema(): JsonSchema
}

/** The checked configuration, or an error that lists what is wrong with it: then the harness is at fault. */
export function parsed(definition: Configurable, raw: RawConfig): unknown {
  const result = definition.parse(raw)
  if (result.ok) return result.config
  const problems = result.problems.map(({ path, message }) => `${path}: ${message}`)
  throw new Error(`the configuration of the harness is wrong:\n${problems.join('\n')}`)
}

/** Options of the outermost level. */
export function optionsOf(definition: Configurable): string[] {
  return Object.keys((definition.jsonSchema().properties as object | undefined) ?? {})
}

/** A name that differs from `option` by one swapped pair of letters, and is not an option itself. */
export function misspell(option: string, known: readonly string[]): string | undefined {
  for (let i = option.length - 2; i >= 0; i--) {
    const wrong = `${option.slice(0, i)}${option[i + 1]}${option[i]}${option.slice(i + 2)}`
    if (wrong !== option && !known.includes(wrong)) return wrong
  }
  return undefined
}

/** The values of the secret options in a raw configuration, at any depth. */
export function secretsIn(schema: JsonSchema, raw: unknown): string[] {
  if (schema.writeOnly === true || schema.format === 'password')
    return typeof raw === 'string' && raw !== '' ? [raw] : []
  if (typeof raw !== 'object' || raw === null) return []
  const properties = (schema.properties ?? {}) as { readonly [name: string]: JsonSchema }
  const rest = schema.additionalProperties ?? schema.items
  return Object.entries(raw).flatMap(([name, value]) => {
    const inner = properties[name] ?? (typeof rest === 'object' ? (rest as JsonSchema) : undefined)
    return inner ? secretsIn(inner, value) : []
  })
}
