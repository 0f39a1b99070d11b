/** Types of columns, as `system_schema` spells them. */

/** A type without parts. */
export type SimpleType =
  | 'ascii'
  | 'bigint'
  | 'blob'
  | 'boolean'
  | 'counter'
  | 'date'
  | 'decimal'
  | 'double'
  | 'duration'
  | 'float'
  | 'inet'
  | 'int'
  | 'smallint'
  | 'text'
  | 'time'
  | 'timestamp'
  | 'timeuuid'
  | 'tinyint'
  | 'uuid'
  | 'varint'

/** What a column, or a part of its value, can hold. `text` is the type as CQL writes it, for messages. */
export type CqlType = { readonly text: string } & (
  | { readonly kind: SimpleType }
  | { readonly kind: 'list' | 'set'; readonly element: CqlType; readonly frozen: boolean }
  | { readonly kind: 'map'; readonly key: CqlType; readonly value: CqlType; readonly frozen: boolean }
  | { readonly kind: 'tuple'; readonly elements: readonly CqlType[] }
  | { readonly kind: 'vector'; readonly element: CqlType; readonly length: number }
  | { readonly kind: 'udt'; readonly name: string; readonly fields: readonly UdtField[]; readonly frozen: boolean }
  /** A type of the server's own classes, which only takes bytes. */
  | { readonly kind: 'custom' }
)

/** A field of a user-defined type. */
export interface UdtField {
  readonly name: string
  readonly type: CqlType
}

/** The fields of the keyspace's user-defined types, by name: their names and the texts of their types. */
export type UserTypes = ReadonlyMap<string, readonly (readonly [name: string, type: string])[]>

const SIMPLE: ReadonlySet<string> = new Set<SimpleType>([
  ...(['ascii', 'bigint', 'blob', 'boolean', 'counter', 'date', 'decimal', 'double', 'duration', 'float'] as const),
  ...(['inet', 'int', 'smallint', 'text', 'time', 'timestamp', 'timeuuid', 'tinyint', 'uuid', 'varint'] as const),
])

/** Reads a type such as `map<text, frozen<list<int>>>`. What it does not know becomes `custom`. */
export function parseType(text: string, userTypes: UserTypes = new Map(), frozen = false): CqlType {
  const { name, parts } = split(text.trim())
  const at = (i: number, inner = frozen): CqlType => parseType(parts[i] ?? '', userTypes, inner)
  switch (name) {
    case 'varchar':
      return { kind: 'text', text }
    case 'frozen':
      return { ...at(0, true), text }
    case 'list':
    case 'set':
      // What is inside of a collection is always frozen.
      return { kind: name, element: at(0, true), frozen, text }
    case 'map':
      return { kind: 'map', key: at(0, true), value: at(1, true), frozen, text }
    case 'tuple':
      return { kind: 'tuple', elements: parts.map((_, i) => at(i, true)), text }
    case 'vector':
      return { kind: 'vector', element: at(0, true), length: Number(parts[1]), text }
    default:
      return SIMPLE.has(name) ? { kind: name as SimpleType, text } : named(name, text, userTypes, frozen)
  }
}

function named(name: string, text: string, userTypes: UserTypes, frozen: boolean): CqlType {
  const fields = userTypes.get(name)
  if (!fields) return { kind: 'custom', text }
  return {
    kind: 'udt',
    name,
    fields: fields.map(([field, type]) => ({ name: field, type: parseType(type, userTypes, true) })),
    frozen,
    text,
  }
}

/** `map<a, list<b>>` is the name `map` with the parts `a` and `list<b>`; a quoted name loses its quotes. */
function split(text: string): { readonly name: string; readonly parts: readonly string[] } {
  if (text.startsWith("'")) return { name: text, parts: [] }
  if (text.startsWith('"')) return { name: text.slice(1, -1).replaceAll('""', '"'), parts: [] }
  const open = text.indexOf('<')
  if (open < 0) return { name: text, parts: [] }
  const parts: string[] = []
  let depth = 0
  let quoted = false
  let begin = open + 1
  for (let i = open + 1; i < text.length; i++) {
    const character = text[i]
    if (character === '"') quoted = !quoted
    if (quoted) continue
    if (character === '<') depth++
    else if (character === '>' && depth > 0) depth--
    else if ((character === ',' || character === '>') && depth === 0) {
      parts.push(text.slice(begin, i).trim())
      begin = i + 1
    }
  }
  return { name: text.slice(0, open), parts }
}
