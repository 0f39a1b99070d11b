import { ConnectionError, comparePositions, type PartitionCheckpoint, type Position } from '@pulsar-io/sdk'
import { isServerError, type Row, type Session } from './client.ts'
import { said, TargetError } from './errors.ts'
import { literal, quote } from './identifier.ts'

/** Who writes, and where to. Positions of another sink, or of another table, are not ours. */
export interface Identity {
  /** `tenant/namespace/name` */
  readonly sink: string
  readonly instance: number
  /** The table that rows go to. */
  readonly target: string
}

/**
 * How far the sink got, kept in the database in the transactions of the rows, one row for each topic partition.
 *
 * Each has an epoch. Whoever begins to write a partition takes it over by raising the epoch, and from then on stores
 * positions only while the epoch is still its own: an instance that was replaced cannot commit any more. An instance
 * that starts takes over at once what it had when it ended, so that its former self is out before it looks.
 */
export class Positions {
  readonly #sql: string
  readonly #table: string
  readonly #identity: Identity
  readonly #epochs = new Map<string, bigint>()
  /** Taken over in a transaction that has not committed yet. */
  readonly #taking = new Set<string>()

  constructor(schema: string, table: string, identity: Identity) {
    this.#sql = `${quote(schema)}.${quote(table)}`
    this.#table = table
    this.#identity = identity
  }

  /**
   * Makes the table where it is missing, and locks out the former self of this instance; a transaction of its that is
   * still under way is waited for. Throws a TargetError where the table cannot be made or used.
   */
  async open(session: Session, inputTopics: readonly string[]): Promise<void> {
    try {
      const [row] = await session.query('SELECT to_regclass($1) IS NULL AS missing', [this.#sql])
      // Two that make it at once would get in each other's way, in spite of IF NOT EXISTS.
      if (row?.missing === true)
        await session.query(`BEGIN; SELECT pg_advisory_xact_lock(hashtext('pulsar-io')); ${this.#ddl}; COMMIT`)
      await this.#takeOver(session, inputTopics)
    } catch (error) {
      if (!isServerError(error)) throw error
      await session.query('ROLLBACK')
      if (!/^(3F|42)/.test(error.code)) throw error
      const ddl = this.#ddl.replace(/\s+/g, ' ')
      throw new TargetError('PIO_PG_POSITIONS', [
        {
          path: 'positionsTable',
          message: `EFFECTIVELY_ONCE keeps its positions in ${this.#sql}, which cannot be used: ${said(error)}; name another one, or let somebody who may do it run: ${ddl}; GRANT SELECT, INSERT, UPDATE ON ${this.#sql} TO …`,
        },
      ])
    }
  }

  get #ddl(): string {
    return `CREATE TABLE IF NOT EXISTS ${this.#sql} (sink text, target text, topic text, partition integer,
      ledger_id bigint NOT NULL, entry_id bigint NOT NULL, batch_index integer NOT NULL, epoch bigint NOT NULL,
      instance integer NOT NULL, written_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (sink, target, topic, partition)) WITH (fillfactor = 50)`
  }

  async #takeOver(session: Session, inputTopics: readonly string[]): Promise<void> {
    const { sink, instance, target } = this.#identity
    await session.query(
      `UPDATE ${this.#sql} SET epoch = epoch + 1 WHERE sink = $1 AND target = $2 AND instance = $3 AND topic = ANY($4)`,
      [sink, target, instance, inputTopics],
    )
  }

  /** How far the sink got in every partition, whichever of its instances it was. */
  async committed(session: Session): Promise<PartitionCheckpoint[]> {
    const { sink, target } = this.#identity
    const rows = await session.query(
      `SELECT topic, partition, ledger_id, entry_id, batch_index FROM ${this.#sql}
       WHERE sink = $1 AND target = $2 AND ledger_id >= 0`,
      [sink, target],
    )
    return rows.map(row => ({
      topic: String(row.topic),
      partition: Number(row.partition),
      position: positionOf(row),
    }))
  }

  /** Whether all these partitions are ours already, so that {@link Positions.store} is all there is to do. */
  owns(checkpoint: readonly PartitionCheckpoint[]): boolean {
    return checkpoint.every(entry => this.#epochs.has(idOf(entry)))
  }

  /** Tells how the transaction of {@link Positions.enter} ended. */
  ended(how: 'committed' | 'rolled back'): void {
    if (how === 'rolled back') for (const id of this.#taking) this.#epochs.delete(id)
    this.#taking.clear()
  }

  /**
   * Inside a transaction: takes over the partitions that are not ours yet, and stores how far this batch gets.
   * Returns how far somebody else got in those, since this instance asked.
   */
  async enter(session: Session, checkpoint: readonly PartitionCheckpoint[]): Promise<PartitionCheckpoint[]> {
    const found: PartitionCheckpoint[] = []
    for (const entry of checkpoint) {
      if (this.#epochs.has(idOf(entry))) continue
      const { sink, instance, target } = this.#identity
      const [row] = await session.query(
        `INSERT INTO ${this.#sql} AS p (sink, target, topic, partition, ledger_id, entry_id, batch_index, epoch, instance)
         VALUES ($1, $2, $3, $4, -1, -1, -1, 1, $5) ON CONFLICT (sink, target, topic, partition)
         DO UPDATE SET epoch = p.epoch + 1, instance = EXCLUDED.instance
         RETURNING epoch, ledger_id, entry_id, batch_index`,
        [sink, target, entry.topic, entry.partition, instance],
      )
      if (!row) throw new Error('the positions table answered nothing')
      this.#epochs.set(idOf(entry), BigInt(String(row.epoch)))
      this.#taking.add(idOf(entry))
      found.push({ topic: entry.topic, partition: entry.partition, position: positionOf(row) })
    }
    const ahead = (entry: PartitionCheckpoint): boolean =>
      found.some(stored => idOf(stored) === idOf(entry) && comparePositions(stored.position, entry.position) >= 0)
    const further = checkpoint.filter(entry => !ahead(entry))
    if (further.length > 0) await session.query(this.store(further))
    return found.filter(({ position }) => position.ledgerId >= 0n)
  }

  /** The statement that stores positions; refused by the server where a partition is not ours any more. */
  store(checkpoint: readonly PartitionCheckpoint[]): string {
    const { sink, instance, target } = this.#identity
    const values = checkpoint.map(entry => {
      const { topic, partition, position } = entry
      const epoch = this.#epochs.get(idOf(entry))
      if (epoch === undefined) throw new Error(`partition ${partition} of ${topic} is not ours`)
      const numbers = [position.ledgerId, position.entryId, position.batchIndex, epoch, instance]
      return `(${literal(sink)}, ${literal(target)}, ${literal(topic)}, ${partition}, ${numbers.join(', ')})`
    })
    // Null where the epoch is another one: the column refuses it, and with it the transaction.
    return `INSERT INTO ${this.#sql} AS p (sink, target, topic, partition, ledger_id, entry_id, batch_index, epoch, instance)
      VALUES ${values.join(', ')} ON CONFLICT (sink, target, topic, partition) DO UPDATE SET
      ledger_id = EXCLUDED.ledger_id, entry_id = EXCLUDED.entry_id, batch_index = EXCLUDED.batch_index,
      instance = EXCLUDED.instance, written_at = now(),
      epoch = CASE WHEN p.epoch = EXCLUDED.epoch THEN p.epoch END`
  }

  /** The error where the server refused {@link Positions.store}; undefined for any other. */
  fenced(error: unknown): ConnectionError | undefined {
    if (!isServerError(error) || error.code !== '23502') return undefined
    if (error.table !== this.#table || error.column !== 'epoch') return undefined
    const { sink, instance } = this.#identity
    return new ConnectionError(
      `another instance of ${sink} has taken over what instance ${instance} was writing; nothing was written. Connecting again to see how far it got. If this repeats, two runs have this name: stop one, or name it otherwise`,
      { code: 'PIO_PG_FENCED' },
    )
  }
}

const idOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${topic} ${partition}`

function positionOf(row: Row): Position {
  return {
    ledgerId: BigInt(String(row.ledger_id)),
    entryId: BigInt(String(row.entry_id)),
    batchIndex: Number(row.batch_index),
  }
}
