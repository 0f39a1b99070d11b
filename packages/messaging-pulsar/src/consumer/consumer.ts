import type { Consumer, Message, ReceiveOptions, SeekTarget } from '@pulsar-io/messaging'
import { fullTopicName } from '@pulsar-io/messaging'
import { closedError, usageError } from '../errors.ts'
import type { TransactionId } from '../transaction/transaction-id.ts'
import type { DeadLetterActions, DeadLetters } from './dead-letters.ts'
import { Delayed } from './delayed.ts'
import { PulsarMessage } from './message.ts'
import type { PartitionConsumer } from './partition-consumer.ts'
import { WaitPoint } from './wait-point.ts'

/** What a consumer needs from its client. */
export interface ConsumerSettings {
  readonly subscription: string
  readonly cumulative: boolean
  readonly ackTimeoutMs: number
  readonly nackDelayMs: number
  readonly nackMultiplier: number
  readonly nackMaxDelayMs: number
  readonly maxUnsettled: number
  readonly deadLetters: DeadLetters | undefined
  readonly report: (error: unknown) => void
  readonly onClose: () => void
}

/** What a transaction needs to know of a consumer that acknowledges in it. */
export interface ConsumerTransaction {
  readonly id: TransactionId
  /** Resolves when the coordinator knows that the transaction reaches this subscription. */
  joinSubscription(partitionTopic: string, subscription: string): Promise<void>
  /** The transaction is not over before this is settled. */
  track(work: Promise<unknown>): void
  /** Called when nothing of the transaction takes effect. */
  onUndone(undo: () => void): void
}

const DEFAULT_MAX_BYTES = 16 * 1024 * 1024

/** A consumer over any number of partitions and topics. */
export class PulsarConsumer implements Consumer {
  readonly subscription: string
  private readonly settings: ConsumerSettings
  private readonly partitions: PartitionConsumer[] = []
  private readonly byTopic = new Map<string, PartitionConsumer>()
  private readonly news = new WaitPoint()
  private readonly activeListeners = new Set<(active: boolean) => void>()
  private readonly refused: Delayed<PulsarMessage>
  private readonly expiring: Delayed<PulsarMessage>
  private wasActive = false
  private next = 0
  private receiving = false
  private closing: Promise<void> | undefined

  constructor(settings: ConsumerSettings) {
    this.subscription = settings.subscription
    this.settings = settings
    this.refused = new Delayed(messages => this.redeliver(messages))
    this.expiring = new Delayed(messages => this.expire(messages))
  }

  /** For partitions. */
  readonly events = {
    wake: () => this.news.wake(),
    activeChanged: () => this.noticeActive(),
    room: () => this.room,
  }

  private readonly deadLetterActions: DeadLetterActions = {
    acknowledge: messages => this.acknowledge(messages),
    refuse: messages => this.negativeAcknowledge(messages),
    report: error => this.settings.report(error),
  }

  addPartition(partition: PartitionConsumer): void {
    this.partitions.push(partition)
    this.byTopic.set(partition.topic, partition)
    this.noticeActive()
    this.news.wake()
  }

  has(partitionTopic: string): boolean {
    return this.byTopic.has(partitionTopic)
  }

  /** Takes a partition away whose topic was deleted. */
  async drop(partition: PartitionConsumer): Promise<void> {
    this.partitions.splice(this.partitions.indexOf(partition), 1)
    this.byTopic.delete(partition.topic)
    await partition.close(closedError(`the consumer of ${partition.topic}`))
  }

  get all(): readonly PartitionConsumer[] {
    return this.partitions
  }

  get active(): boolean {
    return this.partitions.some(partition => partition.active)
  }

  onActiveChange(listener: (active: boolean) => void): () => void {
    this.activeListeners.add(listener)
    return () => this.activeListeners.delete(listener)
  }

  async receive(options: ReceiveOptions): Promise<readonly Message[]> {
    if (this.receiving) throw usageError('receive is called while an earlier receive of the same consumer still waits')
    this.receiving = true
    const until = options.timeoutMs === undefined ? undefined : performance.now() + options.timeoutMs
    try {
      for (;;) {
        if (this.closing !== undefined) throw closedError(`the consumer of ${this.subscription}`)
        const taken = this.takeAll(options)
        const { deadLetters } = this.settings
        // Between a look that found nothing and the wait nothing may happen, or its wake would be lost.
        const messages = taken.length > 0 && deadLetters ? await deadLetters.sift(taken, this.deadLetterActions) : taken
        if (messages.length > 0 || options.signal?.aborted) return messages
        if (taken.length > 0) continue
        for (const { failure } of this.partitions) if (failure !== undefined) throw failure
        const left = until === undefined ? undefined : until - performance.now()
        if (left !== undefined && left <= 0) return messages
        await this.news.wait(left === undefined ? undefined : Math.ceil(left), options.signal)
      }
    } finally {
      this.receiving = false
    }
  }

  async acknowledge(messages: readonly Message[], transaction?: ConsumerTransaction): Promise<void> {
    this.refuseClosed()
    const groups = this.byPartition(messages)
    if (transaction !== undefined) {
      for (const [partition] of groups) await transaction.joinSubscription(partition.topic, this.subscription)
    }
    const settled: Promise<void>[] = []
    for (const [partition, own] of groups) {
      const work = partition.acknowledge(own, transaction)
      if (work === undefined) continue
      settled.push(work)
      transaction?.track(work)
    }
    this.settledSome()
    await Promise.all(settled)
  }

  async acknowledgeCumulative(message: Message): Promise<void> {
    this.refuseClosed()
    if (!this.settings.cumulative) {
      throw usageError(
        `cumulative acknowledgement is for Exclusive and Failover; ${this.subscription} is shared: acknowledge its messages one by one`,
      )
    }
    const own = ownMessage(message)
    const settled = this.partitionOf(own)?.acknowledgeCumulative(own)
    this.settledSome()
    await settled
  }

  negativeAcknowledge(messages: readonly Message[], delayMs?: number): void {
    this.refuseClosed()
    for (const [partition, own] of this.byPartition(messages)) {
      const taken = own.filter(message => partition.refuse(message))
      if (delayMs !== undefined) this.refused.add(taken, delayMs)
      else for (const message of taken) this.refused.add([message], this.nackDelay(message))
    }
    this.settledSome()
  }

  async seek(to: SeekTarget, topic?: string): Promise<void> {
    this.refuseClosed()
    const name = topic === undefined ? undefined : fullTopicName(topic)
    const partitions = this.partitions.filter(
      ({ source, topic: own }) => !name || source.topic === name || own === name,
    )
    if (partitions.length === 0) throw usageError(`seek: ${topic} is not a topic of this consumer`)
    if (typeof to === 'object' && 'position' in to && partitions.length > 1) {
      // The ledger tells the partition.
      const of = await this.partitionOfLedger(partitions, to.position.ledgerId)
      await of.seek(to)
    } else await Promise.all(partitions.map(partition => partition.seek(to)))
    this.news.wake()
  }

  async backlog(): Promise<number> {
    this.refuseClosed()
    const each = await Promise.all(this.partitions.map(partition => partition.backlog()))
    return each.reduce((sum, one) => sum + one, 0)
  }

  async unsubscribe(): Promise<void> {
    this.refuseClosed()
    await Promise.all(this.partitions.map(partition => partition.unsubscribe()))
    await this.close()
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll()
    return this.closing
  }

  private async closeAll(): Promise<void> {
    this.news.wake()
    // The broker hands out again what was refused, as it does with all that is not settled.
    this.refused.clear()
    this.expiring.clear()
    this.settings.onClose()
    const error = closedError(`the consumer of ${this.subscription}`)
    const closing = [...this.partitions.map(partition => partition.close(error)), this.settings.deadLetters?.close()]
    const results = await Promise.allSettled(closing)
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  private takeAll(options: ReceiveOptions): PulsarMessage[] {
    const messages: PulsarMessage[] = []
    const { partitions } = this
    let room = Math.min(options.maxMessages, this.room)
    let bytes = options.maxBytes ?? DEFAULT_MAX_BYTES
    const start = this.next
    for (let n = 0; n < partitions.length && room > 0 && bytes > 0; n += 1) {
      const partition = partitions[(start + n) % partitions.length] as PartitionConsumer
      if (!partition.ready) continue
      this.next = (start + n + 1) % partitions.length
      const before = messages.length
      bytes -= partition.take(messages, room, bytes)
      room -= messages.length - before
      partition.replenish()
    }
    if (this.settings.ackTimeoutMs > 0) this.expiring.add(messages, this.settings.ackTimeoutMs)
    return messages
  }

  /** How many more may be out. */
  private get room(): number {
    let held = 0
    for (const partition of this.partitions) held += partition.held
    return this.settings.maxUnsettled - held
  }

  /** There is room for more: for the broker, and for a receive that waits for it. */
  private settledSome(): void {
    for (const partition of this.partitions) partition.replenish()
    this.news.wake()
  }

  private redeliver(messages: readonly PulsarMessage[]): void {
    for (const [partition, own] of this.byPartition(messages)) partition.redeliver(own)
  }

  private expire(messages: readonly PulsarMessage[]): void {
    for (const [partition, own] of this.byPartition(messages)) {
      const late = own.filter(message => partition.refuse(message))
      partition.redeliver(late)
    }
    this.settledSome()
  }

  private nackDelay(message: PulsarMessage): number {
    const { nackDelayMs, nackMultiplier, nackMaxDelayMs } = this.settings
    if (nackMultiplier === 1) return nackDelayMs
    return Math.min(nackDelayMs * nackMultiplier ** message.redeliveryCount, Math.max(nackDelayMs, nackMaxDelayMs))
  }

  /** The partition in which a ledger is; the one whose last ledger is nearest above it where none has said so yet. */
  private async partitionOfLedger(
    partitions: readonly PartitionConsumer[],
    ledgerId: bigint,
  ): Promise<PartitionConsumer> {
    const known = partitions.find(partition => partition.knowsLedger(ledgerId))
    if (known !== undefined) return known
    for (const partition of partitions) {
      const { lastMessageId } = await partition.lastMessage()
      if (lastMessageId.ledgerId === ledgerId) return partition
    }
    throw usageError(
      `seek: it is not known which partition of ${partitions[0]?.source.topic} has the ledger ${ledgerId}; name the partition as the topic`,
    )
  }

  private partitionOf(message: PulsarMessage): PartitionConsumer | undefined {
    const partition = this.byTopic.get(message.delivery.source.partitionTopic)
    if (partition?.source !== message.delivery.source) {
      if (partition === undefined && message.delivery.source.subscription === this.subscription) return undefined
      throw usageError(`a message of ${message.topic} was received by another consumer`)
    }
    return partition
  }

  /** Sorts messages by where they came from; neighbours come in runs. */
  private byPartition(messages: readonly Message[]): [PartitionConsumer, PulsarMessage[]][] {
    const groups: [PartitionConsumer, PulsarMessage[]][] = []
    let group: [PartitionConsumer, PulsarMessage[]] | undefined
    for (const message of messages) {
      const own = ownMessage(message)
      if (group === undefined || group[0].source !== own.delivery.source) {
        const partition = this.partitionOf(own)
        if (partition === undefined) continue
        group = groups.find(([other]) => other === partition)
        if (group === undefined) {
          group = [partition, []]
          groups.push(group)
        }
      }
      group[1].push(own)
    }
    return groups
  }

  private noticeActive(): void {
    const { active } = this
    if (active === this.wasActive) return
    this.wasActive = active
    for (const listener of this.activeListeners) {
      try {
        listener(active)
      } catch (error) {
        this.settings.report(error)
      }
    }
  }

  private refuseClosed(): void {
    if (this.closing !== undefined) throw closedError(`the consumer of ${this.subscription}`)
  }
}

function ownMessage(message: Message): PulsarMessage {
  if (!(message instanceof PulsarMessage)) {
    throw usageError('only messages that a consumer of this client received can be settled')
  }
  return message
}
