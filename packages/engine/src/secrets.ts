import { readFileSync } from 'node:fs'
import type { JsonSchema } from '@pulsar-io/sdk'
import { ConfigError, type Problem } from '@pulsar-io/sdk/core'

/** A configuration whose placeholders are filled in, and what must not be printed of it. */
export interface ResolvedConfig {
  readonly config: unknown
  /** Value of each name in the `secrets` map. */
  readonly secrets: ReadonlyMap<string, string>
  /** Replaces every secret value in a text by `***`. */
  readonly hide: (text: string) => string
}

const PLACEHOLDER = /\$\{(env|file):([^}]+)\}/g

/**
 * Fills in `${env:NAME}` and `${file:PATH}` anywhere in a configuration, and the `secrets` map: a name that is an
 * option of the connector becomes its value, unless the configuration says it already.
 * Throws a ConfigError (`PIO_SECRET`) that names everything that cannot be had.
 */
export function resolveSecrets(
  config: unknown,
  secrets: { readonly [name: string]: unknown } | undefined,
  schema: JsonSchema,
  env: { readonly [name: string]: string | undefined } = process.env,
): ResolvedConfig {
  const problems: Problem[] = []
  const hidden = new Set<string>()
  const fill = (text: string, path: string): string =>
    text.replace(PLACEHOLDER, (_, kind: string, name: string) => {
      const value = kind === 'env' ? fromEnv(name, path, env, problems) : fromFile(name, path, problems)
      if (value) hidden.add(value)
      return value
    })
  const resolved = mapStrings(config ?? {}, '', fill)
  const named = new Map<string, string>()
  for (const [name, reference] of Object.entries(secrets ?? {})) {
    const value = secretValue(reference, `secrets.${name}`, fill, env, problems)
    if (value === undefined) continue
    hidden.add(value)
    named.set(name, value)
    if (isOption(schema, name) && isObject(resolved) && !(name in resolved)) resolved[name] = value
  }
  if (problems.length > 0) throw new ConfigError(problems, { code: 'PIO_SECRET' })
  collectSecrets(resolved, schema, hidden)
  return { config: resolved, secrets: named, hide: hider(hidden) }
}

/** A copy of a configuration with every secret of its schema shown as `***`. Placeholders stay: they tell nothing. */
export function redact(config: unknown, schema: JsonSchema): unknown {
  const schemas = alternatives(schema)
  if (schemas.some(each => each.writeOnly === true)) return isPlaceholder(config) ? config : '***'
  if (Array.isArray(config)) {
    const item = merged(schemas.map(each => each.items))
    return config.map(value => redact(value, item))
  }
  if (!isObject(config)) return config
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [name, redact(value, memberSchema(schemas, name))]),
  )
}

/** Whether a value is nothing but `${env:NAME}` or `${file:PATH}`. */
export function isPlaceholder(value: unknown): boolean {
  return typeof value === 'string' && /^\$\{(env|file):[^}]+\}$/.test(value)
}

/** The schema itself and everything that it may be instead. */
function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  const inner = ['anyOf', 'oneOf', 'allOf'].flatMap(name => (Array.isArray(schema[name]) ? schema[name] : []))
  return [schema, ...inner.filter(isObject).flatMap(each => alternatives(each))]
}

/** What a member of an object may be, by any of the object's schemas. */
function memberSchema(schemas: readonly JsonSchema[], name: string): JsonSchema {
  return merged(
    schemas.map(({ properties, additionalProperties }) =>
      isObject(properties) && name in properties ? properties[name] : additionalProperties,
    ),
  )
}

function merged(schemas: readonly unknown[]): JsonSchema {
  const [first, ...others] = schemas.filter(isObject)
  return others.length === 0 ? (first ?? {}) : { anyOf: [first, ...others] }
}

function secretValue(
  reference: unknown,
  path: string,
  fill: (text: string, path: string) => string,
  env: { readonly [name: string]: string | undefined },
  problems: Problem[],
): string | undefined {
  if (typeof reference === 'string') return fill(reference, path)
  if (isObject(reference) && typeof reference.env === 'string') return fromEnv(reference.env, path, env, problems)
  if (isObject(reference) && typeof reference.file === 'string') return fromFile(reference.file, path, problems)
  problems.push({ path, message: 'must be "${env:NAME}", "${file:PATH}", {"env": "NAME"} or {"file": "PATH"}' })
  return undefined
}

function fromEnv(
  name: string,
  path: string,
  env: { readonly [name: string]: string | undefined },
  problems: Problem[],
): string {
  const value = env[name]
  if (value === undefined) problems.push({ path, message: `the environment variable ${name} is not set` })
  return value ?? ''
}

function fromFile(file: string, path: string, problems: Problem[]): string {
  try {
    // Editors and `kubectl create secret` leave a newline at the end that is not part of the secret.
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    problems.push({
      path,
      message: `cannot read ${file}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`,
    })
    return ''
  }
}

function collectSecrets(config: unknown, schema: JsonSchema, into: Set<string>): void {
  const schemas = alternatives(schema)
  if (typeof config === 'string' && schemas.some(each => each.writeOnly === true)) into.add(config)
  if (Array.isArray(config)) {
    const item = merged(schemas.map(each => each.items))
    for (const value of config) collectSecrets(value, item, into)
  } else if (isObject(config)) {
    for (const [name, value] of Object.entries(config)) collectSecrets(value, memberSchema(schemas, name), into)
  }
}

/** Texts shorter than this would turn every log line into stars, and hide nothing that is hard to guess. */
const SHORTEST_HIDDEN = 4

function hider(hidden: ReadonlySet<string>): (text: string) => string {
  // Longest first, so that a secret which contains another one disappears as a whole.
  const values = [...hidden].filter(value => value.length >= SHORTEST_HIDDEN).sort((a, b) => b.length - a.length)
  return values.length === 0
    ? text => text
    : text => values.reduce((shown, value) => shown.replaceAll(value, '***'), text)
}

function isOption(schema: JsonSchema, name: string): boolean {
  return isObject(schema.properties) && name in schema.properties
}

function isObject(value: unknown): value is { [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function mapStrings(value: unknown, path: string, change: (text: string, path: string) => string): unknown {
  if (typeof value === 'string') return change(value, path)
  if (Array.isArray(value)) return value.map((part, i) => mapStrings(part, `${path}[${i}]`, change))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, mapStrings(part, path ? `${path}.${name}` : name, change)]),
  )
}
