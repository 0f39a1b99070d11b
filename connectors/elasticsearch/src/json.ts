/** JSON in which whole numbers keep all their digits: beyond 2^53 they are a bigint here. */

// TypeScript's library does not know these two yet; both are in every Node that the project runs on.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }
type Reviver = (name: string, value: unknown, context: { readonly source?: string }) => unknown
const parse = JSON.parse as (text: string, reviver?: Reviver) => unknown

/** Throws a SyntaxError for what is no JSON. */
export function parseJson(text: string): unknown {
  // A reviver is slow, and hardly any document needs one.
  return /\d{16}/.test(text) ? parse(text, exactNumber) : parse(text)
}

function exactNumber(_: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value
  return /^-?\d+$/.test(source) ? BigInt(source) : value
}

/** The JSON text of a value, numbers of 64 bits included. */
export function stringifyJson(value: unknown): string {
  return JSON.stringify(value, hasBigint(value) ? rawBigint : undefined)
}

const rawBigint = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? rawJSON(String(value)) : value)

function hasBigint(value: unknown): boolean {
  if (typeof value === 'bigint') return true
  if (typeof value !== 'object' || value === null) return false
  for (const part of Object.values(value)) if (hasBigint(part)) return true
  return false
}
