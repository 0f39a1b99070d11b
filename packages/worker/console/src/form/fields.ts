import type { Schema } from '../api/types.ts'

/** How a value is entered. */
export type Control = 'choice' | 'flag' | 'secret' | 'number' | 'list' | 'json' | 'text'

/** One input of a form. */
export interface Field {
  /** `configs.tls.enabled`: the path that the worker's problems name. */
  readonly path: string
  /** Where the value is, from the root of the configuration on. */
  readonly keys: readonly string[]
  readonly schema: Schema
  readonly control: Control
  readonly required: boolean
}

/** What is written in the inputs, by path. Nothing stands for the default. */
export type Draft = { readonly [path: string]: string }

/** The inputs of a schema. An object whose fields are all known becomes its fields; any other is JSON. */
export function fieldsOf(schema: Schema, keys: readonly string[] = []): readonly Field[] {
  const required = new Set(schema.required)
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const inside = [...keys, name]
    if (field.properties !== undefined && field.additionalProperties === false) return fieldsOf(field, inside)
    return {
      path: inside.join('.'),
      keys: inside,
      schema: field,
      control: controlOf(field),
      required: required.has(name),
    }
  })
}

/** What is in the inputs for a configuration. */
export function draftOf(fields: readonly Field[], config: object): Draft {
  return Object.fromEntries(fields.map(field => [field.path, textOf(field, valueAt(config, field.keys))]))
}

/**
 * The configuration that inputs say. What no input shows stays as it is in `original`, and what was not changed keeps
 * the way it was written. Inputs that are wrong have to be refused before.
 */
export function configOf(fields: readonly Field[], draft: Draft, original: object): { [field: string]: unknown } {
  const made = structuredClone(original) as { [field: string]: unknown }
  for (const field of fields) {
    const text = draft[field.path] ?? ''
    if (text !== textOf(field, valueAt(original, field.keys))) put(made, field.keys, entered(field, text))
  }
  return made
}

/** The value of what was entered; undefined for nothing. */
export function entered({ control, schema }: Field, text: string): unknown {
  if (text === '') return undefined
  if (control === 'choice') return schema.enum?.find(each => String(each) === text)
  if (control === 'flag') return text === 'true'
  if (control === 'list') return text.split('\n').flatMap(line => line.trim() || [])
  if (control === 'json') return JSON.parse(text)
  if (control !== 'number') return text
  const number = Number(text)
  // A size or a time with a unit stays text, and so does a number that would lose digits.
  return text.trim() !== '' && Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER
    ? number
    : text.trim()
}

function controlOf(schema: Schema): Control {
  const types = typesOf(schema)
  if (types.includes('object')) return 'json'
  if (schema.writeOnly === true) return 'secret'
  if (schema.enum !== undefined) return 'choice'
  if (types.includes('boolean')) return 'flag'
  if (types.includes('array')) return typesOf(schema.items ?? {}).includes('string') ? 'list' : 'json'
  if (types.includes('integer') || types.includes('number')) return 'number'
  return types.includes('string') ? 'text' : 'json'
}

export function typesOf({ type }: Schema): readonly string[] {
  return type === undefined ? [] : typeof type === 'string' ? [type] : type
}

function textOf({ control }: Field, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (control === 'list' && Array.isArray(value)) return value.join('\n')
  return typeof value === 'object'
    ? JSON.stringify(value, null, 2)
    : control === 'json'
      ? JSON.stringify(value)
      : String(value)
}

function valueAt(config: object, keys: readonly string[]): unknown {
  let at: unknown = config
  for (const key of keys) at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined
  return at
}

function put(config: { [field: string]: unknown }, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    if (value === undefined) delete config[key]
    else config[key] = value
    return
  }
  const inside = isObject(config[key]) ? config[key] : {}
  put(inside, rest, value)
  if (Object.keys(inside).length > 0) config[key] = inside
  else delete config[key]
}

function isObject(value: unknown): value is { [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
