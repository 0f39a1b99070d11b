import { isObject } from '../../config/shape.ts'

/** One field that differs. */
export interface Change {
  /** For example `configs.url`. */
  readonly path: string
  /** Undefined: it is not there. */
  readonly before?: unknown
  readonly after?: unknown
  /** The worker does not tell what it has, because it is a secret: it may be the same. */
  readonly hidden?: true
}

type Fields = { readonly [field: string]: unknown }

/** As workers show a secret. */
const HIDDEN = '***'

/** An update replaces them as a whole; of everything else it changes what it names. */
const REPLACED = new Set(['configs', 'secrets'])

/** Spelling of an archive, and names, which are how the connector was found. */
const NOT_COMPARED = new Set(['tenant', 'namespace', 'name', 'archive', 'sinkType', 'sourceType'])

/** What an update from `current`, as the worker shows it, to `wanted` would change. */
export function differences(current: Fields, wanted: Fields): readonly Change[] {
  return Object.entries(wanted).flatMap(([field, after]) => {
    if (after === undefined || NOT_COMPARED.has(field)) return []
    const before = current[field]
    if (field === 'inputs') return sameTopics(before, after) ? [] : [{ path: field, before, after }]
    if (field === 'topicToSchemaType' || field === 'topicToSerdeClassName')
      return specDifferences(current, field, after)
    return compare(field, before, after, REPLACED.has(field))
  })
}

function compare(path: string, before: unknown, after: unknown, whole: boolean): readonly Change[] {
  if (isObject(after) && (isObject(before) || before === undefined)) {
    const own = before ?? {}
    const names = new Set([...(whole ? Object.keys(own) : []), ...Object.keys(after)])
    return [...names].flatMap(name => compare(`${path}.${name}`, own[name], after[name], whole))
  }
  if (after === undefined) return before === undefined ? [] : [{ path, before }]
  if (sameValue(before, after)) return []
  if (before === HIDDEN) return [{ path, before, after, hidden: true }]
  return [before === undefined ? { path, after } : { path, before, after }]
}

/** Workers show these maps as a part of inputSpecs. */
function specDifferences(current: Fields, field: string, after: unknown): readonly Change[] {
  const name = field === 'topicToSchemaType' ? 'schemaType' : 'serdeClassName'
  const specs = Object.entries(isObject(current.inputSpecs) ? current.inputSpecs : {})
  return Object.entries(isObject(after) ? after : {}).flatMap(([topic, wanted]) => {
    const [, spec] = specs.find(([each]) => fullTopic(each) === fullTopic(topic)) ?? []
    return compare(`${field}.${topic}`, isObject(spec) ? spec[name] : undefined, wanted, false)
  })
}

function sameValue(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, part]) => [name, sorted(part)]),
  )
}

function sameTopics(before: unknown, after: unknown): boolean {
  const names = (value: unknown) =>
    JSON.stringify([...new Set(Array.isArray(value) ? value.map(fullTopic) : [])].sort())
  return names(before) === names(after)
}

/** `orders` and `persistent://public/default/orders` are one topic. */
function fullTopic(topic: unknown): string {
  const text = String(topic)
  if (text.includes('://')) return text
  return `persistent://${text.split('/').length === 3 ? '' : 'public/default/'}${text}`
}
