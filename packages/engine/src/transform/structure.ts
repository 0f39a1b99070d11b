import { ConfigError, type Problem, RecordError } from '@pulsar-io/sdk/core'
import * as z from 'zod'
import { isFields } from './fields.ts'
import { changing, fieldsAndOptions, named, type Operation, pairs, pathsOf, settingsOf, stepOf } from './operation.ts'
import { changeAt, changeEach, GONE, lookUp, type Path, parsePath, putAt } from './path.ts'

/** Fields as operators write them: one, or a list. */
export const fieldList = z
  .union([z.string(), z.array(z.string())])
  .transform(fields => (typeof fields === 'string' ? fields.split(',').map(each => each.trim()) : fields))
  .pipe(z.array(z.string().min(1, 'must not be empty')).min(1, 'name at least one field'))

/** Settings that may be the bare fields. */
export function withFields(settings: unknown): unknown {
  return typeof settings === 'string' || Array.isArray(settings) ? { fields: settings } : settings
}

const onlyFields = z.strictObject({ fields: fieldList })

/** Takes fields away. */
export const drop: Operation = {
  short: fieldsAndOptions,
  make: settings => changing(pathsOf(settingsOf(onlyFields, withFields(settings)).fields), () => GONE),
}

type Kept = Map<string, Kept | true>

/** Takes everything away but some fields. */
export const keep: Operation = {
  short: fieldsAndOptions,
  make: settings => {
    const paths = pathsOf(settingsOf(onlyFields, withFields(settings)).fields)
    const problems = paths.flatMap(({ segments, text }, i) =>
      segments.some(segment => typeof segment === 'number')
        ? [{ path: `fields[${i}]`, message: `${text}: an item of a list cannot be kept alone; name the list` }]
        : [],
    )
    if (problems.length > 0) throw new ConfigError(problems)
    return stepOf(
      [false, true].flatMap(ofKey => {
        const here = paths.filter(path => path.ofKey === ofKey)
        const [first] = here
        if (!first || here.some(({ segments }) => segments.length === 0)) return []
        const kept = tree(here)
        return [{ path: first, change: (root: unknown) => object(root, all => keepIn(all, kept)) }]
      }),
    )
  },
}

function tree(paths: readonly Path[]): Kept {
  const root: Kept = new Map()
  for (const { segments } of paths) {
    let node = root
    for (const [i, segment] of segments.entries()) {
      const name = String(segment)
      const present = node.get(name)
      if (present === true) break
      if (i === segments.length - 1) node.set(name, true)
      else {
        const next: Kept = present ?? new Map()
        node.set(name, next)
        node = next
      }
    }
  }
  return root
}

function keepIn(value: unknown, kept: Kept): unknown {
  if (Array.isArray(value)) return value.map(item => keepIn(item, kept))
  if (!isFields(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) => {
      const below = kept.get(name)
      return below === undefined ? [] : [[name, below === true ? part : keepIn(part, below)]]
    }),
  )
}

const renames = z.record(z.string(), z.string().min(1, 'must not be empty'))

/** Gives fields other names, or moves them. */
export const rename: Operation = {
  short: pairs,
  make: settings => {
    const named_ = settingsOf(renames, settings)
    const problems: Problem[] = []
    const moves = Object.entries(named_).flatMap(([from, to]) => {
      try {
        return [moveOf(parsePath(from), parsePath(to))]
      } catch (error) {
        problems.push({ path: from, message: (error as Error).message })
        return []
      }
    })
    if (moves.length === 0 && problems.length === 0) problems.push({ path: '', message: 'name at least one field' })
    if (problems.length > 0) throw new ConfigError(problems)
    return stepOf(moves)
  },
}

function moveOf(from: Path, to: Path): { readonly path: Path; readonly change: (root: unknown) => unknown } {
  if (from.ofKey !== to.ofKey) throw new Error('a field cannot move between key and value')
  if (from.segments.length === 0 || to.segments.length === 0) throw new Error('a field has to be named on both sides')
  const parents = from.segments.slice(0, -1)
  const [oldName, newName] = [from.segments.at(-1), to.segments.at(-1)]
  const sameParents = JSON.stringify(parents) === JSON.stringify(to.segments.slice(0, -1))
  if (sameParents && typeof oldName === 'string' && typeof newName === 'string') {
    const inside = (parent: unknown): unknown =>
      Array.isArray(parent) ? changeEach(parent, inside) : renamed(parent, oldName, newName)
    return { path: from, change: root => named(from, () => changeAt(root, parents, inside)) }
  }
  return {
    path: from,
    change: root =>
      named(from, () => {
        const part = lookUp(root, from.segments)
        if (part === undefined) return root
        if (lookUp(root, to.segments) !== undefined) throw new Error(`cannot become ${to.text}, which is there already`)
        return putAt(
          changeAt(root, from.segments, () => GONE),
          to.segments,
          part,
        )
      }),
  }
}

/** The fields keep their order. */
function renamed(parent: unknown, from: string, to: string): unknown {
  if (!isFields(parent) || !Object.hasOwn(parent, from) || from === to) return parent
  if (Object.hasOwn(parent, to)) throw new Error(`cannot become ${to}, which is there already`)
  return Object.fromEntries(Object.entries(parent).map(([name, part]) => [name === from ? to : name, part]))
}

const flattening = z.strictObject({
  fields: fieldList.optional(),
  separator: z.string().min(1, 'must not be empty').default('_'),
})

/** Makes `{"a": {"b": 1}}` into `{"a_b": 1}`; lists stay. */
export const flatten: Operation = {
  short: rest => {
    const { fields, ...options } = fieldsAndOptions(rest)
    return (fields as string[]).length === 0 ? options : { fields, ...options }
  },
  make: settings => {
    const { fields, separator } = settingsOf(
      flattening,
      settings === true || settings === null ? {} : withFields(settings),
    )
    const flat = (root: unknown) => object(root, all => flattened(all, separator))
    if (fields === undefined) {
      return stepOf([{ path: { text: 'the value', ofKey: false, segments: [] }, change: flat }])
    }
    // Of single fields, what is below them moves up beside them.
    return stepOf(
      pathsOf(fields).map(path => ({
        path,
        change: root => named(path, () => raised(root, path, separator)),
      })),
    )
  },
}

function raised(root: unknown, path: Path, separator: string): unknown {
  const name = path.segments.at(-1)
  if (typeof name !== 'string') return changeAt(root, path.segments, part => flattened(part, separator))
  const inside = (parent: unknown): unknown => {
    if (Array.isArray(parent)) return changeEach(parent, inside)
    if (!isFields(parent) || !isFields(parent[name])) return parent
    const entries = Object.entries(parent).flatMap(([each, part]) =>
      each === name ? flatEntries(part, name, separator) : [[each, part] as const],
    )
    return unique(entries)
  }
  return changeAt(root, path.segments.slice(0, -1), inside)
}

function flattened(value: unknown, separator: string): unknown {
  if (Array.isArray(value)) return value.map(item => flattened(item, separator))
  if (!isFields(value)) return value
  return unique(Object.entries(value).flatMap(([name, part]) => flatEntries(part, name, separator)))
}

function flatEntries(part: unknown, name: string, separator: string): readonly (readonly [string, unknown])[] {
  if (!isFields(part)) return [[name, part]]
  return Object.entries(part).flatMap(([below, value]) => flatEntries(value, `${name}${separator}${below}`, separator))
}

/** Two fields that would get one name: one of them would be lost. */
function unique(entries: readonly (readonly [string, unknown])[]): unknown {
  const fields = Object.fromEntries(entries)
  if (Object.keys(fields).length === entries.length) return fields
  const names = entries.map(([name]) => name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  throw new RecordError(`flattening would give two fields the name ${twice}; choose another separator`, {
    code: 'PIO_TRANSFORM',
  })
}

/** Throws for a value that has no fields. */
function object(root: unknown, change: (root: unknown) => unknown): unknown {
  if (isFields(root) || Array.isArray(root)) return change(root)
  throw new RecordError('the value has no fields; it is no object', { code: 'PIO_TRANSFORM' })
}
