import { ConfigError, closest, isConnectorError, type Problem, RecordError } from '@pulsar-io/sdk/core'
import { isFields } from './fields.ts'
import type { Operation, Step, StepServices } from './operation.ts'
import { drop, flatten, keep, rename } from './structure.ts'
import { OpenSubject, type Subject } from './subject.ts'
import { cast, hash, mask } from './values.ts'

/** A transform as operators write it: `drop:a,b`, or `{"drop": ["a", "b"]}`. */
export type TransformConfig = string | { readonly [name: string]: unknown }

/** What became of a record: true when it goes on, false when a filter keeps it back. */
export type Passed = boolean

/** Transforms in their order. */
export interface Chain {
  /** Changes the record in place. Throws or rejects with a RecordError (`PIO_TRANSFORM`) when it cannot be handled. */
  run(record: Subject): Passed | Promise<Passed>
}

/** Every transform; those that need a library of their own are loaded when they are first used. */
const OPERATIONS: { readonly [name: string]: () => Operation | Promise<Operation> } = {
  drop: () => drop,
  keep: () => keep,
  rename: () => rename,
  mask: () => mask,
  hash: () => hash,
  cast: () => cast,
  filter: async () => (await import('./expression.ts')).filter,
  flatten: () => flatten,
  phone: async () => (await import('./phone.ts')).phone,
  jsonata: async () => (await import('./expression.ts')).expression,
}

const NAMES = Object.keys(OPERATIONS)

interface NamedStep {
  readonly name: string
  readonly step: Step
}

/** Makes a chain; undefined when there are no transforms. Throws a ConfigError with everything that is wrong, by path. */
export async function compileTransforms(
  transforms: readonly TransformConfig[] | undefined,
  services: StepServices,
): Promise<Chain | undefined> {
  const problems: Problem[] = []
  const steps: NamedStep[] = []
  for (const [i, transform] of (transforms ?? []).entries()) {
    const at = `transforms[${i}]`
    const named = nameOf(transform, at, problems)
    if (!named) continue
    const path = typeof transform === 'string' ? at : `${at}.${named.name}`
    try {
      const operation = await named.load()
      const settings = named.short === undefined ? named.settings : operation.short(named.short)
      steps.push({ name: `transform ${i + 1} (${named.name})`, step: await operation.make(settings, services) })
    } catch (error) {
      if (!isConnectorError(error)) throw error
      for (const problem of (error as ConfigError).problems) {
        problems.push({ path: problem.path === '' ? path : `${path}.${problem.path}`, message: problem.message })
      }
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return steps.length === 0 ? undefined : chainOf(steps)
}

interface Named {
  readonly name: string
  readonly load: () => Operation | Promise<Operation>
  /** The rest of the short form. */
  readonly short?: string
  readonly settings?: unknown
}

function nameOf(transform: TransformConfig, at: string, problems: Problem[]): Named | undefined {
  let name: string
  let rest: Pick<Named, 'short' | 'settings'>
  if (typeof transform === 'string') {
    const text = transform.trim()
    if (text.startsWith('{')) {
      try {
        return nameOf(JSON.parse(text) as TransformConfig, at, problems)
      } catch (error) {
        problems.push({ path: at, message: `not JSON: ${(error as Error).message}` })
        return undefined
      }
    }
    const colon = text.indexOf(':')
    name = colon < 0 ? text : text.slice(0, colon).trim()
    rest = { short: colon < 0 ? '' : text.slice(colon + 1).trim() }
  } else {
    const [only, ...more] = isFields(transform) ? Object.keys(transform) : []
    if (only === undefined || more.length > 0) {
      problems.push({ path: at, message: 'must have one key, the name of a transform, as in {"drop": ["email"]}' })
      return undefined
    }
    name = only
    rest = { settings: transform[only] }
  }
  const load = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined
  if (load) return { name, load, ...rest }
  const guess = closest(name, NAMES)
  const hint = guess ? `; did you mean ${guess}?` : ''
  problems.push({ path: at, message: `no transform ${JSON.stringify(name)}; there are ${NAMES.join(', ')}${hint}` })
  return undefined
}

function chainOf(steps: readonly NamedStep[]): Chain {
  const forTombstones = steps.filter(({ step }) => step.key)
  const opens = steps.some(({ step }) => step.value)
  return {
    run: subject => {
      // A tombstone says that something is gone, whatever it was: it has nothing to filter, and nothing to change but its key.
      const tombstone = subject.value === null || subject.value === undefined
      return runFrom(new OpenSubject(subject, opens), tombstone ? forTombstones : steps, 0)
    },
  }
}

/** Goes on by itself as long as no step makes it wait. */
function runFrom(record: OpenSubject, steps: readonly NamedStep[], from: number): Passed | Promise<Passed> {
  for (let i = from; i < steps.length; i++) {
    const { name, step } = steps[i] as NamedStep
    let result: ReturnType<Step['run']>
    try {
      result = step.run(record)
    } catch (error) {
      throw refused(name, error)
    }
    if (result instanceof Promise) {
      return result.then(
        answer => (answer === 'filtered' ? false : runFrom(record, steps, i + 1)),
        error => {
          throw refused(name, error)
        },
      )
    }
    if (result === 'filtered') return false
  }
  record.close()
  return true
}

function refused(name: string, error: unknown): Error {
  if (!isConnectorError(error)) return error as Error
  return new RecordError(`${name}: ${error.message}`, { code: error.code })
}
