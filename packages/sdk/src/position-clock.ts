import { comparePositions, type Position } from './position.ts'

/** Microseconds that a timestamp may stand behind the publish time of its record at most. */
const MAX_LAG = 1_000_000n
/** Microseconds of positions that a stretch covers, so that not every batch has to store one. */
const STRETCH = 4096n
/** Stretches that are kept of a partition: what may still be delivered again lies within the last few. */
const MOST_STRETCHES = 32

/**
 * A piece of a topic partition: the timestamp of a position in it is `base` plus its distance from `from`, where an
 * entry counts `step` and a message in a batch 1.
 */
export interface Stretch {
  readonly from: Position
  /** The last entry that it holds for. */
  readonly to: bigint
  readonly base: bigint
  /** More than the largest batch index of the stretch. */
  readonly step: bigint
}

/**
 * Timestamps for the records of one topic partition, in microseconds since 1970, by which a system that keeps of two
 * writes the one with the larger number (Cassandra's write timestamps, Elasticsearch's external versions) keeps the right
 * one. So a record has to get the same one
 * each time it is written, and a larger one than every record before it; and it should be near the time at which the
 * record was published, to compare with what others write. Publish times alone come from the clocks of producers:
 * a batch shares one, and two producers disagree. Positions alone are no times. So positions count upwards from a
 * time, in stretches: a new one begins at the publish time of its first record, or right behind the one before.
 */
export class PartitionClock {
  #stretches: readonly Stretch[]

  constructor(stretches: readonly Stretch[] = []) {
    this.#stretches = stretches
  }

  /** What has to be stored before a timestamp is used, for the next owner of the partition to give the same ones. */
  get stretches(): readonly Stretch[] {
    return this.#stretches
  }

  /** The timestamp of a position; undefined where a stretch has to be begun for it. */
  find(position: Position, publishTime: number): bigint | undefined {
    const i = this.#before(position)
    const stretch = this.#stretches[i]
    if (!stretch || !covers(stretch, position)) return undefined
    const timestamp = timeIn(stretch, position)
    // Behind the newest stretch nobody has a timestamp yet, so that one may follow the clock.
    const newest = i === this.#stretches.length - 1
    return newest && timestamp + MAX_LAG < micros(publishTime) ? undefined : timestamp
  }

  /** Begins a stretch where {@link find} gave nothing, and gives its timestamp. `largest`: batch index to be expected. */
  begin(position: Position, publishTime: number, largest: number): bigint {
    const i = this.#before(position)
    const [previous, next] = [this.#stretches[i], this.#stretches[i + 1]]
    const step = stepFor(Math.max(largest, position.batchIndex))
    // Within a millisecond the position decides, also where nothing is known of what was before.
    const published = micros(publishTime) + ((position.entryId + BigInt(Math.max(0, position.batchIndex))) % 1000n)
    // What is read again from further back than anybody remembers must not beat what is there.
    let base = next ? published - MAX_LAG : published
    const least = previous && lowestBehind(previous, position)
    if (least !== undefined && base < least) base = least
    if (next && base >= next.base) base = next.base - 1n
    const reach = position.entryId + STRETCH / step
    const to =
      next && next.from.ledgerId === position.ledgerId && next.from.entryId <= reach ? next.from.entryId : reach
    const stretch: Stretch = { from: position, to, base, step }
    this.#stretches = trimmed([...this.#stretches.slice(0, i + 1), stretch, ...this.#stretches.slice(i + 1)], i + 1)
    return base
  }

  /** The index of the last stretch that does not begin behind the position; -1 for none. */
  #before(position: Position): number {
    let i = this.#stretches.length - 1
    for (; i >= 0; i--) {
      const stretch = this.#stretches[i]
      if (stretch && comparePositions(stretch.from, position) <= 0) break
    }
    return i
  }
}

const micros = (milliseconds: number): bigint => BigInt(Math.round(milliseconds * 1000))

function covers({ from, to, step }: Stretch, { ledgerId, entryId, batchIndex }: Position): boolean {
  return from.ledgerId === ledgerId && entryId <= to && BigInt(batchIndex) < step
}

function timeIn({ from, base, step }: Stretch, { entryId, batchIndex }: Position): bigint {
  return base + (entryId - from.entryId) * step + BigInt(Math.max(0, batchIndex) - Math.max(0, from.batchIndex))
}

/** More than every timestamp that a stretch has for the positions before this one. */
function lowestBehind(stretch: Stretch, position: Position): bigint {
  const same = stretch.from.ledgerId === position.ledgerId
  if (same && position.entryId <= stretch.to) return timeIn(stretch, position)
  return timeIn(stretch, { ...stretch.from, entryId: stretch.to + 1n, batchIndex: 0 })
}

/** A power of two, so that batches that grow begin few stretches. */
function stepFor(largest: number): bigint {
  let step = 1n
  while (step <= BigInt(largest)) step *= 2n
  return step
}

/** Forgets the one that is farthest from where something happens, but never the newest. */
function trimmed(stretches: Stretch[], at: number): Stretch[] {
  if (stretches.length > MOST_STRETCHES) stretches.splice(at > stretches.length / 2 ? 0 : stretches.length - 2, 1)
  return stretches
}
