/** An object with fields, as records have them. */
export type Fields = { readonly [name: string]: unknown }

export function isFields(value: unknown): value is Fields {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Date)
  )
}

/** Whether a value has a field of that name of its own. */
export function isReachable(value: unknown, name: string | number): value is Fields {
  return isFields(value) && Object.hasOwn(value, name)
}
