import type { JsonSchema } from '@pulsar-io/sdk'
import { markdownTable } from './markdown-table.ts'

/** One line of an option table. */
interface Row {
  readonly name: string
  readonly type: string
  readonly default: string
  readonly description: string
}

/** The options of a connector as a Markdown table; options of options are written with dots. */
export function optionTable(schema: JsonSchema): string {
  const rows = optionRows(schema, '').map(row => [`\`${row.name}\``, row.type, row.default, row.description])
  return markdownTable(['option', 'type', 'default', 'meaning'], rows)
}

function optionRows(schema: JsonSchema, prefix: string): Row[] {
  const required = new Set(schema.required as readonly string[] | undefined)
  return Object.entries(properties(schema)).flatMap(([name, field]) => {
    const path = prefix + name
    if (Object.keys(properties(field)).length > 0) return optionRows(field, `${path}.`)
    return {
      name: path,
      type: typeName(field),
      default: required.has(name) ? '**required**' : defaultText(field),
      description: typeof field.description === 'string' ? field.description : '',
    }
  })
}

function properties(schema: JsonSchema): { readonly [name: string]: JsonSchema } {
  return (schema.properties as { readonly [name: string]: JsonSchema } | undefined) ?? {}
}

/** What an operator writes: the lenient fields of the SDK show as what they mean, not as all they take. */
function typeName(field: JsonSchema): string {
  if (field.writeOnly === true) return 'secret'
  if (Array.isArray(field.enum)) return field.enum.map(value => `\`${value}\``).join(' or ')
  const union = (field.anyOf ?? field.oneOf) as readonly JsonSchema[] | undefined
  if (union) return [...new Set(union.map(typeName))].join(' or ')
  const types = [field.type].flat()
  if (isDuration(field)) return 'duration'
  if (isSize(field)) return 'size'
  if (types.includes('integer')) return `integer${bounds(field)}`
  if (types.includes('number')) return `number${bounds(field)}`
  if (types.includes('boolean')) return 'boolean'
  if (types.includes('array')) return `list of ${typeName((field.items as JsonSchema | undefined) ?? {})}s`
  if (types.includes('object')) return 'map'
  return types.includes('string') ? 'string' : 'any'
}

const isDuration = (field: JsonSchema) => String(field.pattern).includes('(ms|s|m|h|d)')
const isSize = (field: JsonSchema) => String(field.pattern).includes('[KMGTkmgt]')

function bounds({ minimum, maximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return `, ${minimum} to ${maximum}`
  if (minimum !== undefined) return `, at least ${minimum}`
  return maximum === undefined ? '' : `, at most ${maximum}`
}

function defaultText(field: JsonSchema): string {
  if (field.default === undefined || field.default === '') return ''
  if (typeof field.default === 'number' && isDuration(field)) return `\`${unitText(field.default, DURATIONS)}\``
  if (typeof field.default === 'number' && isSize(field)) return `\`${unitText(field.default, SIZES)}\``
  return `\`${JSON.stringify(field.default)}\``
}

const DURATIONS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
const SIZES = { GiB: 1024 ** 3, MiB: 1024 ** 2, KiB: 1024 }

/** The number in the largest unit that it is a whole multiple of. */
function unitText(value: number, units: { readonly [unit: string]: number }): string {
  for (const [unit, factor] of Object.entries(units)) {
    if (value !== 0 && value % factor === 0) return `${value / factor}${unit}`
  }
  return String(value)
}
