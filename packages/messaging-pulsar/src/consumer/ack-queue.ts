import type { Connection } from '../connection/connection.ts'
import { namedError, ServerFailure } from '../errors.ts'
import type { TransactionId } from '../transaction/transaction-id.ts'
import { ACK_TYPES } from '../wire/enums.ts'
import type { EntryState } from './entry-state.ts'

/** Ids in one command. */
const MAX_IDS = 10_000

/** A place up to which everything is acknowledged. */
export interface CumulativeAck {
  readonly ledgerId: bigint
  readonly entryId: bigint
  /** Of the entry itself what is left; empty: nothing. */
  readonly ackSet: readonly bigint[]
}

interface Round {
  readonly entries: Set<EntryState>
  cumulative: CumulativeAck | undefined
  readonly waiting: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[]
}

/** What the queue needs of its consumer. */
export interface AckQueueSettings {
  readonly topic: string
  readonly subscription: string
  readonly consumerId: number
  /** All messages of the entry are acknowledged, and the broker knows. */
  readonly onSettled: (entry: EntryState) => void
  readonly report: (error: unknown) => void
}

/**
 * Acknowledgements on their way to the broker: while one command waits for its answer, the next ones gather, so that
 * many small acknowledgements cost few commands. What had no answer when the connection broke goes again.
 */
export class AckQueue {
  private readonly settings: AckQueueSettings
  private connection: Connection | undefined
  private gathering: Round | undefined
  private inFlight: Round | undefined
  /** Settled when the command that waits for its answer has one, or will have none. */
  private sending: Promise<void> = Promise.resolve()
  private giveUp: ((reason: Error) => void) | undefined
  private scheduled = false
  private closed: Error | undefined

  constructor(settings: AckQueueSettings) {
    this.settings = settings
  }

  /** Whether an acknowledgement of the entry has not been answered yet. */
  busy(entry: EntryState): boolean {
    return this.gathering?.entries.has(entry) === true || this.inFlight?.entries.has(entry) === true
  }

  /** Resolves when the broker has recorded them. */
  individual(entries: Iterable<EntryState>): Promise<void> {
    const round = this.open()
    for (const entry of entries) round.entries.add(entry)
    return this.settled(round)
  }

  cumulative(ack: CumulativeAck): Promise<void> {
    const round = this.open()
    const before = round.cumulative
    const later =
      before === undefined ||
      ack.ledgerId > before.ledgerId ||
      (ack.ledgerId === before.ledgerId && ack.entryId >= before.entryId)
    if (later) round.cumulative = ack
    return this.settled(round)
  }

  /**
   * Goes on over a new connection. Resolves when what had no answer has one: only then the broker may send messages,
   * since it would send again what it does not know to be acknowledged.
   */
  async connected(connection: Connection): Promise<void> {
    this.connection = connection
    await this.sending
    this.flush()
    await this.sending
  }

  /**
   * The broker has no such consumer any more. What had no answer is gathered again: on a connection that stands, as after
   * the unloading of a topic, the broker would never answer.
   */
  disconnected(): void {
    this.connection = undefined
    this.giveUp?.(new Error('the broker let go of the consumer'))
  }

  /** A seek makes earlier acknowledgements void. */
  forget(): void {
    const round = this.gathering
    this.gathering = undefined
    for (const { resolve } of round?.waiting ?? []) resolve()
  }

  /** Sends what is left, and waits for the answer while the connection lasts. */
  async close(error: Error): Promise<void> {
    while (this.connection !== undefined && (this.gathering !== undefined || this.inFlight !== undefined)) {
      this.flush()
      const round = this.gathering ?? this.inFlight
      if (round === undefined) break
      // Whoever acknowledged hears of an error.
      await this.settled(round).catch(() => undefined)
    }
    this.closed = error
    for (const { reject } of this.gathering?.waiting ?? []) reject(error)
    this.gathering = undefined
  }

  private open(): Round {
    if (this.closed !== undefined) throw this.closed
    this.gathering ??= { entries: new Set(), cumulative: undefined, waiting: [] }
    this.schedule()
    return this.gathering
  }

  private settled(round: Round): Promise<void> {
    return new Promise((resolve, reject) => round.waiting.push({ resolve, reject }))
  }

  private schedule(): void {
    if (this.scheduled) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      this.flush()
    })
  }

  private flush(): void {
    const { connection, gathering } = this
    if (connection === undefined || gathering === undefined || this.inFlight !== undefined) return
    this.gathering = undefined
    this.inFlight = gathering
    const abandoned = new Promise<never>((_, reject) => {
      this.giveUp = reject
    })
    this.sending = Promise.race([this.send(connection, gathering), abandoned]).then(
      () => this.done(gathering),
      error => this.failed(gathering, error),
    )
  }

  private async send(connection: Connection, round: Round): Promise<void> {
    const { consumerId } = this.settings
    const commands: Promise<unknown>[] = []
    const { cumulative } = round
    if (cumulative !== undefined) {
      commands.push(sendAck(connection, consumerId, ACK_TYPES.Cumulative, [cumulative], undefined))
    }
    let ids: AckId[] = []
    for (const entry of round.entries) {
      ids.push(...ackIds(entry))
      if (ids.length < MAX_IDS) continue
      commands.push(sendAck(connection, consumerId, ACK_TYPES.Individual, ids, undefined))
      ids = []
    }
    if (ids.length > 0) commands.push(sendAck(connection, consumerId, ACK_TYPES.Individual, ids, undefined))
    await Promise.all(commands)
  }

  private done(round: Round): void {
    this.inFlight = undefined
    for (const entry of round.entries) {
      // More of it may have been acknowledged meanwhile; then that round says so.
      if (entry.remaining === 0 && this.gathering?.entries.has(entry) !== true) this.settings.onSettled(entry)
    }
    for (const { resolve } of round.waiting) resolve()
    if (this.gathering !== undefined) this.flush()
  }

  private failed(round: Round, error: unknown): void {
    this.inFlight = undefined
    const { topic, subscription, report } = this.settings
    if (error instanceof ServerFailure && error.error !== 'ServiceNotReady' && error.error !== 'ConsumerNotFound') {
      const named = namedError(error, { action: `acknowledging on ${topic} as ${subscription}`, topic, subscription })
      report(named)
      for (const { reject } of round.waiting) reject(named)
      if (this.gathering !== undefined) this.flush()
      return
    }
    if (this.closed !== undefined) {
      for (const { reject } of round.waiting) reject(this.closed)
      return
    }
    // Nobody knows what arrived: it goes again, together with what came since.
    const next = this.gathering
    this.gathering = round
    this.schedule()
    if (next === undefined) return
    for (const entry of next.entries) round.entries.add(entry)
    round.cumulative = next.cumulative ?? round.cumulative
    round.waiting.push(...next.waiting)
  }
}

interface AckId {
  readonly ledgerId: bigint
  readonly entryId: bigint
  readonly ackSet?: readonly bigint[]
  readonly batchSize?: number
}

/** The ids that acknowledge what is acknowledged of an entry. */
function ackIds(entry: EntryState): readonly AckId[] {
  const { ledgerId, entryId, states } = entry
  if (entry.remaining > 0) return [{ ledgerId, entryId, ackSet: entry.ackSet(), batchSize: states.length }]
  return [{ ledgerId, entryId }, ...(entry.chunks ?? [])]
}

/** Sends an acknowledgement and waits until the broker has recorded it. Rejects with a {@link ServerFailure}. */
export async function sendAck(
  connection: Connection,
  consumerId: number,
  ackType: number,
  messageId: readonly AckId[],
  transaction: TransactionId | undefined,
): Promise<void> {
  const answer = await connection.request(
    'ack',
    {
      consumerId,
      ackType,
      messageId,
      ...(transaction === undefined ? {} : { leastBits: transaction.leastBits, mostBits: transaction.mostBits }),
    },
    'ackResponse',
    'acknowledging',
  )
  if (answer.error !== undefined) throw new ServerFailure(answer.error, answer.message ?? '')
}
