/** JSON in which every number keeps all its digits. */

interface JsonWithSource {
  parse(
    text: string,
    reviver?: (name: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown
  rawJSON(text: string): unknown
}

// TypeScript's library does not know of sources and raw texts yet; they are in every Node that the project runs on.
const { parse, rawJSON } = JSON as unknown as JsonWithSource

/**
 * The value of a JSON text. A whole number beyond 2^53 is a bigint; any other number that JavaScript would round is
 * left as its text, which `JSON.stringify` writes as it was. Throws a SyntaxError for what is no JSON.
 */
export function parseExactJson(text: string): unknown {
  // A reviver is slow, and hardly any text needs one: 15 digits always fit.
  return /\d[\d.]{15}/.test(text) ? parse(text, exactNumber) : parse(text)
}

function exactNumber(_: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || source === undefined || source.length < 16) return value
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value) ? value : BigInt(source)
  return String(value) === source ? value : rawJSON(source)
}
