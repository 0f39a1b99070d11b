/** A whole number as a bigint, also from the digits that JSON of 64-bit numbers may have; anything else as it is. */
export function wholeNumber(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : value
}
