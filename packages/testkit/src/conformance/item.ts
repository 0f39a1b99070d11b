/** What the suites write and read: each connector says how it looks in its system. */
export interface Item {
  /** Used once in a test; letters, digits and dashes. */
  readonly id: string
  readonly text: string
}

/** An item as it was found in the external system. */
export interface StoredItem extends Item {
  /** Where the connector claims to store keys. */
  readonly key?: string | undefined
  /** Where the connector claims to store properties. */
  readonly properties?: { readonly [name: string]: string } | undefined
}

/** Texts that have gone wrong before: outside the plane, joined, right to left, quotes, line ends, escapes. */
export const UNICODE_TEXTS: readonly string[] = [
  'grüße, 漢字, ру́сский',
  'emoji 👩‍👩‍👧‍👦 🙂 𝒳',
  'שלום עולם \u202eabc\u202c',
  'quotes \' " ` and \\ and \\n and $1 and %s and {{x}}',
  'line\nline\r\nline\ttab',
  'e\u0301 and \u00e9 are not the same',
]

/** Items `a-0`, `a-1`, … with texts that name them. */
export function items(count: number, prefix = 'a', text = (id: string) => `text of ${id}`): Item[] {
  return Array.from({ length: count }, (_, i) => {
    const id = `${prefix}-${i}`
    return { id, text: text(id) }
  })
}

/** Identity and text of items, sorted unless their order counts. */
export function shown(list: readonly Item[], ordered: boolean): string[] {
  const lines = list.map(({ id, text }) => `${id}: ${text}`)
  return ordered ? lines : lines.sort()
}
