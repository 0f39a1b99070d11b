const MOST = 100_000

/** The numbers of `["0", "2", "4-7"]`. Throws an Error for what is none. */
export function parsePartitions(list: readonly string[]): number[] {
  const numbers = new Set<number>()
  for (const item of list) {
    const match = /^\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?$/.exec(String(item))
    const from = Number(match?.[1])
    const to = Number(match?.[2] ?? match?.[1])
    if (!match || to < from || to > MOST)
      throw new Error(`must be numbers such as 0,1,2 or 0-3, got ${JSON.stringify(item)}`)
    for (let number = from; number <= to; number++) numbers.add(number)
  }
  return [...numbers].sort((a, b) => a - b)
}
