import * as z from 'zod'
import { closest } from './closest.ts'
import type { Problem } from './errors.ts'

/** A JSON Schema (draft 2020-12) as plain data. */
export type JsonSchema = { readonly [keyword: string]: unknown }

/** A checked configuration, or everything that is wrong with it. */
export type ConfigResult<C> =
  | { readonly ok: true; readonly config: C }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** Checks a raw configuration against its schema. Unknown options come first, with a suggestion. */
export function parseConfig<S extends z.ZodType>(schema: S, raw: unknown): ConfigResult<z.output<S>> {
  const result = schema.safeParse(raw ?? {})
  if (result.success) return { ok: true, config: result.data }
  const json = configJsonSchema(schema)
  const problems = result.error.issues.flatMap(issue => toProblems(issue, json, raw))
  const unknown = problems.filter(problem => problem.unknown)
  return {
    ok: false,
    problems: [...unknown, ...problems.filter(problem => !problem.unknown)].map(({ path, message }) => ({
      path,
      message,
    })),
  }
}

/** The JSON Schema of what an operator may write, strings for numbers included. Secrets are marked `writeOnly`. */
export function configJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // zod leaves out the default of a field that is read from text; ours are the value itself, which the field takes, too.
      const { def } = zodSchema._zod
      if (def.type === 'default') jsonSchema.default ??= def.defaultValue as typeof jsonSchema.default
    },
  }) as JsonSchema
}

function toProblems(issue: z.core.$ZodIssue, json: JsonSchema, raw: unknown): (Problem & { unknown: boolean })[] {
  const path = formatPath(issue.path)
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(propertiesAt(json, issue.path))
    return issue.keys.map(key => {
      const guess = closest(key, known)
      const hint = guess
        ? `did you mean ${guess}?`
        : known.length > 0
          ? `the options are ${known.join(', ')}`
          : 'it takes no options'
      return { path: formatPath([...issue.path, key]), message: `not an option; ${hint}`, unknown: true }
    })
  }
  const described = descriptionAt(json, issue.path)
  if (issue.code === 'invalid_type' && valueAt(raw, issue.path) === undefined) {
    return [{ path, message: `required${described ? `: ${described}` : ''}`, unknown: false }]
  }
  if (issue.code === 'invalid_type') {
    return [{ path, message: wrongType(issue.expected, valueAt(raw, issue.path)), unknown: false }]
  }
  if (issue.code === 'invalid_value') return [{ path, message: oneOf(issue, valueAt(raw, issue.path)), unknown: false }]
  return [{ path, message: issue.message, unknown: false }]
}

const TYPES: { readonly [type: string]: string } = {
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  number: 'a number',
  int: 'a whole number',
}

/** Names what came by its type alone: the value may be a secret. */
function wrongType(expected: string, got: unknown): string {
  const type = got === null ? 'null' : (TYPES[Array.isArray(got) ? 'array' : typeof got] ?? typeof got)
  return `must be ${TYPES[expected] ?? expected}, got ${type}`
}

function oneOf(issue: z.core.$ZodIssueInvalidValue, got: unknown): string {
  const values = issue.values.map(String)
  const guess = typeof got === 'string' ? closest(got, values) : undefined
  return `must be one of ${values.join(', ')}, got ${JSON.stringify(got)}${guess ? `; did you mean ${guess}?` : ''}`
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`)).join('')
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as { [key: PropertyKey]: unknown })[part]
  }
  return value
}

function schemaAt(json: JsonSchema, path: readonly PropertyKey[]): JsonSchema {
  let schema = json
  for (const part of path) {
    const properties = schema.properties as { readonly [name: string]: JsonSchema } | undefined
    schema = properties?.[String(part)] ?? (schema.items as JsonSchema | undefined) ?? {}
  }
  return schema
}

function propertiesAt(json: JsonSchema, path: readonly PropertyKey[]): object {
  return (schemaAt(json, path).properties as object | undefined) ?? {}
}

function descriptionAt(json: JsonSchema, path: readonly PropertyKey[]): string {
  const description = schemaAt(json, path).description
  return typeof description === 'string' ? description : ''
}
