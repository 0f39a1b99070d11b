import { entered, type Field, typesOf } from './fields.ts'

/** `${env:NAME}` and `${file:/path}` are filled in where the instance runs: only there it is known what they are. */
const PLACEHOLDER = /\$\{[^}]+\}/

/** What is wrong with what was entered, by the schema alone; undefined for nothing. The worker checks all of it again. */
export function problemOf(field: Field, text: string): string | undefined {
  const { schema, control, required } = field
  if (text === '') return required ? 'required' : undefined
  if (PLACEHOLDER.test(text)) return undefined
  if (control === 'json') return jsonProblem(text)
  if (control === 'list' || control === 'flag' || control === 'choice') return undefined
  const value = entered(field, text)
  return typeof value === 'number' ? numberProblem(schema, value, text) : textProblem(field, text)
}

function numberProblem(schema: Field['schema'], value: number, text: string): string | undefined {
  const { minimum, maximum } = schema
  const types = typesOf(schema)
  if (!types.includes('number') && !Number.isInteger(value)) return `must be a whole number, not ${text}`
  if (minimum !== undefined && value < minimum) return `must be ${minimum} or more, not ${text}`
  if (maximum !== undefined && value > maximum) return `must be ${maximum} or less, not ${text}`
  return undefined
}

function textProblem({ schema, control }: Field, text: string): string | undefined {
  const { pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema
  if (text.length < minLength) return `must have ${minLength} characters or more`
  if (text.length > maxLength) return `must have ${maxLength} characters or less`
  if (control === 'number' && !typesOf(schema).includes('string')) return `must be a number, not ${text}`
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(text.trim())) {
    const units = pattern.includes('[Bb]') ? ', such as 10 MB' : pattern.includes('ms|s|m') ? ', such as 500 ms' : ''
    if (control === 'number') return `must be a number${units}; not ${text}`
    return `must match ${pattern}`
  }
  return undefined
}

function jsonProblem(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return `must be JSON (${(error as Error).message})`
  }
}
