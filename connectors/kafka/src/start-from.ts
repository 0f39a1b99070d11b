/** Where to begin a partition. */
export type Start =
  | { readonly kind: 'earliest' | 'latest' }
  | { readonly kind: 'offset'; readonly offset: bigint }
  /** Milliseconds since 1970: the first record of that time or later. */
  | { readonly kind: 'time'; readonly time: number }

/** Reads `earliest`, `latest`, `offset:12`, a time in ISO form, or one in milliseconds. Throws an Error for anything else. */
export function parseStart(text: string): Start {
  if (text === 'earliest' || text === 'latest') return { kind: text }
  const offset = /^offset:(\d{1,18})$/.exec(text)
  if (offset) return { kind: 'offset', offset: BigInt(offset[1] ?? 0) }
  const time = /^\d{10,15}$/.test(text) ? Number(text) : /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return { kind: 'time', time }
  throw new Error(
    `must be earliest, latest, offset:1234 or a time such as 2026-05-01T00:00:00Z, got ${JSON.stringify(text)}`,
  )
}
