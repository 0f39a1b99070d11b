import type { ConsumerTransaction } from '../consumer/consumer.ts'
import { usageError } from '../errors.ts'
import type { ProducerTransaction } from '../producer/producer.ts'
import { TRANSACTION_ACTIONS } from '../wire/enums.ts'
import type { Coordinators } from './coordinators.ts'
import type { TransactionId } from './transaction-id.ts'

/**
 * Messages that are published and acknowledged in it take effect together at `commit`, or not at all. Hand it to
 * `producer.send` and `consumer.acknowledge`.
 */
export class Transaction implements ProducerTransaction, ConsumerTransaction {
  readonly id: TransactionId
  private readonly coordinators: Coordinators
  private readonly joined = new Map<string, Promise<void>>()
  private readonly work: Promise<unknown>[] = []
  private readonly undos: (() => void)[] = []
  private ended: 'commit' | 'abort' | undefined

  constructor(id: TransactionId, coordinators: Coordinators) {
    this.id = id
    this.coordinators = coordinators
  }

  /** For producers. */
  join(partitionTopic: string): Promise<void> {
    return this.joinOnce(partitionTopic, () =>
      this.coordinators.tell(
        this.id,
        'addPartitionToTxn',
        { partitions: [partitionTopic] },
        `taking ${partitionTopic} into a transaction`,
      ),
    )
  }

  /** For consumers. */
  joinSubscription(partitionTopic: string, subscription: string): Promise<void> {
    return this.joinOnce(`${partitionTopic} ${subscription}`, () =>
      this.coordinators.tell(
        this.id,
        'addSubscriptionToTxn',
        { subscription: [{ topic: partitionTopic, subscription }] },
        `taking ${subscription} on ${partitionTopic} into a transaction`,
      ),
    )
  }

  /** For producers and consumers. */
  track(work: Promise<unknown>): void {
    this.work.push(work)
    // Whoever asked for it hears of a failure; here it counts at the end.
    work.catch(() => undefined)
  }

  /** For consumers. */
  onUndone(undo: () => void): void {
    this.undos.push(undo)
  }

  /**
   * Makes everything in it visible. Rejects when something in it failed, or when it was given up meanwhile; then nothing
   * of it takes effect.
   */
  async commit(): Promise<void> {
    this.refuseEnded()
    this.ended = 'commit'
    const results = await Promise.allSettled(this.work)
    for (const result of results) {
      if (result.status === 'fulfilled') continue
      this.undo()
      await this.end(TRANSACTION_ACTIONS.Abort, 'aborting a transaction of which a part failed')
      throw result.reason
    }
    try {
      await this.end(TRANSACTION_ACTIONS.Commit, 'committing a transaction')
    } catch (error) {
      this.undo()
      throw error
    }
  }

  /** Undoes everything in it. Nothing happens when it is aborted already. */
  async abort(): Promise<void> {
    if (this.ended === 'abort') return
    this.refuseEnded()
    this.ended = 'abort'
    await Promise.allSettled(this.work)
    this.undo()
    await this.end(TRANSACTION_ACTIONS.Abort, 'aborting a transaction')
  }

  private undo(): void {
    for (const undo of this.undos) undo()
  }

  private end(action: number, what: string): Promise<void> {
    return this.coordinators.tell(this.id, 'endTxn', { action }, what)
  }

  private async joinOnce(key: string, join: () => Promise<void>): Promise<void> {
    this.refuseEnded()
    let joining = this.joined.get(key)
    if (joining === undefined) {
      joining = join()
      this.joined.set(key, joining)
    }
    await joining
  }

  private refuseEnded(): void {
    if (this.ended !== undefined) throw usageError('the transaction is over; begin another one')
  }
}
