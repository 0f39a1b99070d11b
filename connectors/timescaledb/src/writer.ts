import { comparePositions, type PartitionCheckpoint } from '@pulsar-io/sdk'
import { type Batches, type BatchRow, type Refusals, Refused, type Run } from './batch.ts'
import { isServerError, type Session } from './client.ts'
import { blamesRow, rowError } from './errors.ts'
import { Failed, isolate } from './isolate.ts'
import { STAGE } from './layout.ts'
import type { Positions } from './positions.ts'

/** What a writer works with. */
export interface WriterParts {
  readonly batches: Batches
  /** Makes the stage of a connection. */
  readonly stage: string
  /** Only where positions are kept. */
  readonly positions: Positions | undefined
  /** For messages. */
  readonly table: string
}

const NOTHING: Refusals = new Map()

/** Writes batches, each in one transaction: all of it, or, where rows are refused, nothing. */
export class Writer {
  readonly #parts: WriterParts

  constructor(parts: WriterParts) {
    this.#parts = parts
  }

  /**
   * Commits the rows and the checkpoint. Returns the rows that can never be written: then nothing is.
   * Throws what says that no row is to be blamed; then the server has rolled back, or will.
   */
  async write(
    session: Session,
    rows: readonly BatchRow[],
    checkpoint: readonly PartitionCheckpoint[],
  ): Promise<Refusals> {
    const { positions } = this.#parts
    await this.#prepare(session, rows)
    try {
      await this.#commit(session, rows, checkpoint)
      positions?.ended('committed')
      return NOTHING
    } catch (thrown) {
      const error = causeOf(thrown)
      await this.#rollback(session)
      if (thrown instanceof Refused) return thrown.refusals
      if (positions?.fenced(error)) throw positions.fenced(error)
      if (!blamesRow(error)) throw error
      if (rows.length === 1 && rows[0]) return new Map([[rows[0], rowError(error, this.#parts.table)]])
    }
    const refusals = await this.#isolate(session, rows, checkpoint, false)
    // A constraint that is checked at the end has let everything through until then.
    return refusals ?? (await this.#isolate(session, rows, checkpoint, true)) ?? NOTHING
  }

  async #commit(
    session: Session,
    rows: readonly BatchRow[],
    checkpoint: readonly PartitionCheckpoint[],
  ): Promise<void> {
    const { positions } = this.#parts
    const keeps = positions !== undefined && checkpoint.length > 0
    if (!keeps || positions.owns(checkpoint)) {
      const runs = this.#parts.batches.plan(rows)
      const [run] = runs
      const stored = keeps ? positions.store(checkpoint) : ''
      if (run && runs.length === 1 && run.layout.move === undefined) {
        // One round trip for everything.
        const text = keeps ? `BEGIN; ${stored}; ${run.layout.copy}; COMMIT` : run.layout.copy
        await this.#copy(session, text, run)
        return
      }
      await session.query(keeps ? `BEGIN; ${stored}` : 'BEGIN')
      for (const each of runs) await this.#run(session, each)
      await session.query('COMMIT')
      return
    }
    await session.query('BEGIN')
    const found = await positions.enter(session, checkpoint)
    const fresh = rows.filter(row => !isIn(row, found))
    await this.#apply(session, fresh)
    await session.query('COMMIT')
  }

  /**
   * Does the rows one part after the other, each so small that the guilty ones show. Commits when there are none after
   * all, as where a row was only in the way of another transaction; undefined when the server refuses just that.
   */
  async #isolate(
    session: Session,
    rows: readonly BatchRow[],
    checkpoint: readonly PartitionCheckpoint[],
    immediately: boolean,
  ): Promise<Refusals | undefined> {
    const { positions, table } = this.#parts
    try {
      await session.query(immediately ? 'BEGIN; SET CONSTRAINTS ALL IMMEDIATE' : 'BEGIN')
      const found = positions && checkpoint.length > 0 ? await positions.enter(session, checkpoint) : []
      const fresh = rows.filter(row => !isIn(row, found))
      const refusals = await isolate(session, fresh, part => this.#apply(session, part), table)
      if (refusals.size > 0) {
        await this.#rollback(session)
        return refusals
      }
      await session.query('COMMIT')
      positions?.ended('committed')
      return NOTHING
    } catch (thrown) {
      const error = causeOf(thrown)
      await this.#rollback(session)
      if (positions?.fenced(error)) throw positions.fenced(error)
      if (!immediately && blamesRow(error)) return undefined
      throw error
    }
  }

  async #apply(session: Session, rows: readonly BatchRow[]): Promise<void> {
    for (const run of this.#parts.batches.plan(rows)) await this.#run(session, run)
  }

  /** Makes the stage where it is needed, before the transaction: it has to outlive one that is rolled back. */
  async #prepare(session: Session, rows: readonly BatchRow[]): Promise<void> {
    if (session.memory.has(STAGE) || !this.#parts.batches.needStage(rows)) return
    await session.query(this.#parts.stage)
    session.memory.add(STAGE)
  }

  async #run(session: Session, run: Run): Promise<void> {
    await this.#copy(session, run.layout.copy, run)
    if (run.layout.move !== undefined) await session.query(`${run.layout.move}; DELETE FROM ${STAGE}`)
  }

  async #copy(session: Session, text: string, run: Run): Promise<void> {
    try {
      await session.copy(text, this.#parts.batches.text(run))
    } catch (error) {
      const line = isServerError(error) ? /^COPY .*?, line (\d+)/m.exec(error.where ?? '')?.[1] : undefined
      if (line === undefined) throw error
      throw new Failed(error, run.rows[Number(line) - 1])
    }
  }

  async #rollback(session: Session): Promise<void> {
    this.#parts.positions?.ended('rolled back')
    try {
      if (session.usable) await session.query('ROLLBACK')
    } catch (error) {
      // Gone with the connection; what went wrong before says more.
      if (session.usable) throw error
    }
  }
}

/** What the server said, without what was made of it on the way. */
function causeOf(thrown: unknown): unknown {
  return thrown instanceof Failed ? thrown.error : thrown
}

function isIn({ record }: BatchRow, found: readonly PartitionCheckpoint[]): boolean {
  return found.some(
    ({ topic, partition, position }) =>
      topic === record.topic && partition === record.partition && comparePositions(record.position, position) <= 0,
  )
}
