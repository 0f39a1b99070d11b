/**
 * Where a record stands in its topic partition: comparable, monotonic, stable across redelivery.
 *
 * The three numbers are those of Pulsar's message id. The embedded log uses the creation time of the topic as
 * `ledgerId`, so that a topic which was deleted and made again never hands out a position twice.
 */
export interface Position {
  readonly ledgerId: bigint
  readonly entryId: bigint
  /** Index inside a batch of messages that share an entry; -1 for a message that has the entry for itself. */
  readonly batchIndex: number
}

/** Negative when `a` stands before `b`, 0 when they are the same place, positive when `a` stands behind `b`. */
export function comparePositions(a: Position, b: Position): number {
  if (a.ledgerId !== b.ledgerId) return a.ledgerId < b.ledgerId ? -1 : 1
  if (a.entryId !== b.entryId) return a.entryId < b.entryId ? -1 : 1
  return a.batchIndex - b.batchIndex
}

/** `ledger:entry:batchIndex`, the text form that {@link parsePosition} reads back. */
export function formatPosition(position: Position): string {
  return `${position.ledgerId}:${position.entryId}:${position.batchIndex}`
}

/** Reads `ledger:entry` or `ledger:entry:batchIndex`. Throws a RangeError for anything else. */
export function parsePosition(text: string): Position {
  const match = /^(-?\d+):(-?\d+)(?::(-?\d+))?$/.exec(text)
  if (!match)
    throw new RangeError(`not a position: ${JSON.stringify(text)}; expected ledger:entry or ledger:entry:batchIndex`)
  return { ledgerId: BigInt(match[1] ?? 0), entryId: BigInt(match[2] ?? 0), batchIndex: Number(match[3] ?? -1) }
}
