import type { RecordError } from '@pulsar-io/sdk'
import { type BatchRow, type Refusals, Refused } from './batch.ts'
import type { Session } from './client.ts'
import { blamesRow, rowError } from './errors.ts'

/** An error of the server, and the row it speaks of, if it says so. */
export class Failed extends Error {
  readonly error: unknown
  readonly suspect: BatchRow | undefined

  constructor(error: unknown, suspect: BatchRow | undefined) {
    super('the server refused rows')
    this.error = error
    this.suspect = suspect
  }
}

/**
 * Finds the rows that the server refuses, inside a transaction: does the rows in their order, part by part, and takes
 * back a part that fails, to do it again in smaller ones. What is done at the end is what can be done.
 *
 * Where the server names a row, that row goes alone; otherwise a part is halved. So one bad row among thousands costs
 * two or three more statements, or about twice the logarithm.
 *
 * @throws what no row is to be blamed for
 */
export async function isolate(
  session: Session,
  rows: readonly BatchRow[],
  apply: (rows: readonly BatchRow[]) => Promise<void>,
  table: string,
): Promise<Refusals> {
  const refusals = new Map<BatchRow, RecordError>()
  const parts: (readonly BatchRow[])[] = [rows]
  for (let part = parts.pop(); part; part = parts.pop()) {
    if (part.length === 0) continue
    await session.query('SAVEPOINT part')
    try {
      await apply(part)
      await session.query('RELEASE SAVEPOINT part')
    } catch (thrown) {
      const error = thrown instanceof Failed ? thrown.error : thrown
      if (!(thrown instanceof Refused) && !blamesRow(error)) throw error
      await session.query('ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part')
      if (thrown instanceof Refused) {
        for (const [row, refusal] of thrown.refusals) refusals.set(row, refusal)
        parts.push(part.filter(row => !thrown.refusals.has(row)))
      } else if (part.length === 1 && part[0] && blamesRow(error)) refusals.set(part[0], rowError(error, table))
      else parts.push(...divide(part, thrown instanceof Failed ? thrown.suspect : undefined).reverse())
    }
  }
  return refusals
}

/**
 * The parts in their order. Behind the suspect they grow, beginning with about the distance between two bad rows:
 * where one is bad, the next may be, too, and what follows it would be sent in vain.
 */
function divide(part: readonly BatchRow[], suspect: BatchRow | undefined): (readonly BatchRow[])[] {
  const at = suspect === undefined ? -1 : part.indexOf(suspect)
  if (at < 0) {
    const middle = part.length >> 1
    return [part.slice(0, middle), part.slice(middle)]
  }
  const parts = [part.slice(0, at), part.slice(at, at + 1)]
  for (let from = at + 1, size = 4 * (at + 1); from < part.length; from += size, size *= 2)
    parts.push(part.slice(from, from + size))
  return parts
}
