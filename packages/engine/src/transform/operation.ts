import { ConfigError, isConnectorError, type Problem, parseConfig, RecordError } from '@pulsar-io/sdk'
import type * as z from 'zod'
import { isFields } from './fields.ts'
import { changeAt, changeEach, GONE, type Path, parsePath } from './path.ts'
import type { OpenSubject } from './subject.ts'

/** What a step answers: `filtered` for a record that shall go no further. */
export type StepResult = 'filtered' | undefined

/** One transform, ready to run. Throws a RecordError for a record that it cannot handle. */
export interface Step {
  /** Without it the value stays closed, and a tombstone is none of its business. */
  readonly value: boolean
  /** It changes the key, of a tombstone as well. */
  readonly key: boolean
  run(record: OpenSubject): StepResult | Promise<StepResult>
}

/** What steps are made with. */
export interface StepServices {
  /** The value of a name of the `secrets` map; undefined: there is none of that name. */
  readonly secret: (name: string) => string | undefined
  /** Only checked, never run: secrets are not there. */
  readonly checkOnly: boolean
}

/** A kind of transform. `make` throws a ConfigError with paths below its name. */
export interface Operation {
  /** The short form `name:rest` as settings. */
  short(rest: string): unknown
  make(settings: unknown, services: StepServices): Step | Promise<Step>
}

/** Reads settings by their schema, with every problem at once. */
export function settingsOf<S extends z.ZodType>(schema: S, settings: unknown): z.output<S> {
  const result = parseConfig(schema as never, settings)
  if (!result.ok) throw new ConfigError(result.problems)
  return result.config as z.output<S>
}

/** Reads paths, with every problem at once. */
export function pathsOf(texts: readonly string[], where = 'fields'): readonly Path[] {
  const problems: Problem[] = []
  const paths: Path[] = []
  for (const [i, text] of texts.entries()) {
    try {
      paths.push(parsePath(text))
    } catch (error) {
      problems.push({ path: `${where}[${i}]`, message: (error as Error).message })
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return paths
}

/** A step that changes what stands at each path. */
export function changing(paths: readonly Path[], change: (present: unknown) => unknown): Step {
  return stepOf(
    paths.map(path => ({
      path,
      change: root => changeAt(root, path.segments, present => named(path, () => change(present))),
    })),
  )
}

/** A step that changes the single values at each path: of a list each item; nothing becomes of null. */
export function changingValues(paths: readonly Path[], change: (value: unknown) => unknown): Step {
  const single = (value: unknown): unknown => {
    if (value === null || value === undefined) return value
    return Array.isArray(value) ? changeEach(value, single) : change(value)
  }
  return changing(paths, single)
}

/** A step of changes to the value or the key as a whole. */
export function stepOf(changes: readonly Change[]): Step {
  const onKey = changes.filter(({ path }) => path.ofKey)
  const onValue = changes.filter(({ path }) => !path.ofKey)
  return {
    value: onValue.length > 0,
    key: onKey.length > 0,
    run: record => {
      if (record.value !== null && record.value !== undefined) {
        for (const { path, change } of onValue) record.value = change(withFields(record.value, path))
      }
      for (const { path, change } of onKey) {
        const present = record.subject.keyValue ?? record.subject.key
        if (present === undefined || present === null) continue
        const after = change(withFields(present, path))
        if (after !== present) record.setKey(after === GONE ? undefined : after)
      }
      return undefined
    },
  }
}

/** A change to the value, or to the key where its path begins there. */
export interface Change {
  readonly path: Path
  readonly change: (root: unknown) => unknown
}

/** Steps as one. */
export function together(steps: readonly Step[]): Step {
  return {
    value: steps.some(step => step.value),
    key: steps.some(step => step.key),
    run: record => {
      for (const step of steps) step.run(record)
      return undefined
    },
  }
}

/** A field that is not there is nothing to change; but a value without fields would get through a transform as it is. */
function withFields(root: unknown, { ofKey, segments }: Path): unknown {
  if (segments.length === 0 || isFields(root) || Array.isArray(root)) return root
  throw new RecordError(`the ${ofKey ? 'key' : 'value'} has no fields; it is no object`, { code: 'PIO_TRANSFORM' })
}

/** Says of an error at which place of the record it was; the message never has the value. */
export function named<T>(path: Path, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (isConnectorError(error) || !(error instanceof Error)) throw error
    throw new RecordError(`${path.text} ${error.message}`, { code: 'PIO_TRANSFORM' })
  }
}

/** `a,b;x=1;y=2` as a list of fields and options. */
export function fieldsAndOptions(rest: string): { readonly [name: string]: unknown } {
  const [fields = '', ...options] = rest.split(';')
  return {
    fields: commaList(fields),
    ...Object.fromEntries(options.map(option => pair(option, ';'))),
  }
}

/** `a=b,c=d` as an object. */
export function pairs(rest: string): { readonly [name: string]: string } {
  return Object.fromEntries(commaList(rest).map(each => pair(each, ',')))
}

function commaList(text: string): string[] {
  return text
    .split(',')
    .map(each => each.trim())
    .filter(each => each !== '')
}

function pair(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at <= 0) {
    throw new ConfigError([
      { path: '', message: `must be name=value, with ${separator} between pairs, got ${JSON.stringify(text.trim())}` },
    ])
  }
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}
