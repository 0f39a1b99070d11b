/** JSON whose numbers keep all their digits. A reviver is slow, so it is for where somebody needs them. */

interface JsonWithSource {
  parse(
    text: string,
    reviver?: (name: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown
  rawJSON(text: string): unknown
}

// TypeScript's library does not know of sources and raw texts yet; they are in every Node that the project runs on.
const { parse, rawJSON } = JSON as unknown as JsonWithSource

/** What could be a number with more digits than JavaScript keeps for certain. */
const LONG = /\d[\d.]{15}/

/** Whether {@link parseExactJson} could give something else than `JSON.parse`. */
export function mayLoseDigits(text: string): boolean {
  return LONG.test(text)
}

/**
 * The value of a JSON text: a whole number beyond 2^53 is a bigint, and any other number that JavaScript would round is
 * left as its text, which `JSON.stringify` writes as it was. Throws a SyntaxError for what is no JSON.
 */
export function parseExactJson(text: string): unknown {
  return parse(text, exactNumber)
}

function exactNumber(_: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || source === undefined || source.length < 16) return value
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value) ? value : BigInt(source)
  return String(value) === source ? value : rawJSON(source)
}

/** Whether a number, as JavaScript writes it, may have had other digits: 15 of them always fit. */
export function mayBeRounded(text: string): boolean {
  return text.length > 15
}
