import { isFields, isReachable } from './fields.ts'

/** A place in a record: `customer.phone`, `lines.price` (of each line), `lines[0]`, `$key.id`, `` `a.b` `` for a name with a dot. */
export interface Path {
  readonly text: string
  /** It begins at the key, not at the value. */
  readonly ofKey: boolean
  readonly segments: readonly (string | number)[]
}

/** What a change answers for a place that shall not be there any more. */
export const GONE = Symbol('gone')

const SEGMENT = /(?:`([^`]+)`|([^.`[\]\s][^.`[\]]*))((?:\[\d*\])*)(\.|$)/y

/** Reads a path. Throws an Error that says what is wrong with it. */
export function parsePath(text: string): Path {
  const segments: (string | number)[] = []
  SEGMENT.lastIndex = 0
  let ended = false
  while (!ended) {
    const found = SEGMENT.exec(text)
    if (!found) throw new Error(`${JSON.stringify(text)} is no path; write it as in customer.phone or lines[0].price`)
    segments.push(found[1] ?? found[2] ?? '')
    // Lists are gone through anyway, so [] says nothing.
    for (const [, index] of (found[3] ?? '').matchAll(/\[(\d+)\]/g)) segments.push(Number(index))
    ended = found[4] === ''
  }
  const ofKey = segments[0] === '$key' && !text.startsWith('`')
  return { text, ofKey, segments: ofKey ? segments.slice(1) : segments }
}

/**
 * A copy of `value` with `change` applied to what stands at the path; the value itself where nothing stands there.
 * Lists on the way are gone through. What is not on the way is shared, and nothing is changed in place.
 */
export function changeAt(
  value: unknown,
  segments: readonly (string | number)[],
  change: (present: unknown) => unknown,
  at = 0,
): unknown {
  const segment = segments[at]
  if (segment === undefined) return change(value)
  if (Array.isArray(value)) {
    if (typeof segment === 'string') return changeEach(value, each => changeAt(each, segments, change, at))
    if (segment >= value.length) return value
    const after = changeAt(value[segment], segments, change, at + 1)
    if (after === value[segment]) return value
    return after === GONE ? value.toSpliced(segment, 1) : value.with(segment, after)
  }
  if (!isReachable(value, segment)) return value
  const after = changeAt(value[segment], segments, change, at + 1)
  if (after === value[segment]) return value
  if (after !== GONE) return { ...value, [segment]: after }
  const { [segment]: _, ...rest } = value
  return rest
}

/** The list with a change applied to each item. */
export function changeEach(list: readonly unknown[], change: (item: unknown) => unknown): readonly unknown[] {
  let changed = false
  const after = list.map(item => {
    const next = change(item)
    changed ||= next !== item
    return next
  })
  return changed ? after.filter(item => item !== GONE) : list
}

/** What stands at a path without lists; undefined where nothing does. */
export function lookUp(value: unknown, segments: readonly (string | number)[]): unknown {
  let found = value
  for (const segment of segments) {
    if (Array.isArray(found) && typeof segment === 'number') found = found[segment]
    else if (isReachable(found, segment)) found = found[segment]
    else return undefined
  }
  return found
}

/** A copy with a value at a path, whose objects are made where they are missing. Throws an Error where something else is in the way. */
export function putAt(value: unknown, segments: readonly (string | number)[], part: unknown, at = 0): unknown {
  const segment = segments[at]
  if (segment === undefined) return part
  if (value !== undefined && !isFields(value)) throw new Error('is no object')
  const fields = value ?? {}
  const present = Object.hasOwn(fields, segment) ? fields[segment] : undefined
  return { ...fields, [segment]: putAt(present, segments, part, at + 1) }
}
