/** JSON that keeps what JavaScript's own loses: whole numbers beyond 2^53, and bytes. */

// TypeScript's library does not know these two yet; both are in every Node that the project runs on.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }
type Reviver = (name: string, value: unknown, context: { readonly source?: string }) => unknown
const parse = JSON.parse as (text: string, reviver?: Reviver) => unknown

/** The value of a JSON text; a whole number beyond 2^53 is a bigint. Throws a SyntaxError for what is no JSON. */
export function parseJson(text: string): unknown {
  // A reviver is slow, and hardly any text needs one.
  return hasLongNumber(text) ? parse(text, exactNumber) : parse(text)
}

/** The digits of 2^53. */
const LONG = 16

/** Whether there are as many digits in a row. They cover a place that is a multiple of their number, so only those are looked at. */
function hasLongNumber(text: string): boolean {
  for (let at = LONG - 1; at < text.length; at += LONG) {
    if (!isDigit(text, at)) continue
    let start = at
    while (isDigit(text, start - 1)) start--
    let end = at + 1
    while (isDigit(text, end)) end++
    if (end - start >= LONG) return true
  }
  return false
}

/** False beyond the ends, too: there is no code. */
function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 48 && code <= 57
}

function exactNumber(_: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value
  return /^-?\d+$/.test(source) ? BigInt(source) : value
}

/**
 * The JSON text of a decoded value, without loss: a bigint is a number with all its digits, bytes are base64 (as
 * Java's JSON writes them), a date is its ISO text, a Map an object. `indent`: spaces per level.
 *
 * @throws TypeError for a value that has no JSON form, such as a function or one that contains itself.
 */
export function stringifyJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, isSpecial(value) ? exactPart : undefined, indent) as string | undefined
  if (text === undefined) throw new TypeError(`${typeof value} has no JSON form`)
  return text
}

function exactPart(this: unknown, name: string, part: unknown): unknown {
  if (typeof part === 'bigint') return rawJSON(part.toString())
  if (typeof part !== 'object' || part === null) return part
  // A Buffer has become something else by now: what was there before counts.
  const original = (this as { readonly [name: string]: unknown })[name]
  if (original instanceof Map) return Object.fromEntries(original)
  return original instanceof Uint8Array ? base64(original) : part
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** Whether a value holds what JSON.stringify does not write as it should. Looking first is cheaper than a replacer. */
function isSpecial(value: unknown): boolean {
  if (typeof value === 'bigint') return true
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) {
    for (const part of value) if (isSpecial(part)) return true
    return false
  }
  if (value instanceof Uint8Array || value instanceof Map) return true
  for (const name in value) if (isSpecial((value as { readonly [name: string]: unknown })[name])) return true
  return false
}
