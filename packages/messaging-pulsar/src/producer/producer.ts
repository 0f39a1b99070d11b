import type { Producer } from '@pulsar-io/messaging'
import type { Position } from '@pulsar-io/sdk'
import { closedError, queueFullError, usageError } from '../errors.ts'
import type { TransactionId } from '../transaction/transaction-id.ts'
import { groupByKey } from './group-by-key.ts'
import type { ResolvedProducerOptions } from './options.ts'
import type { PulsarOutgoingMessage } from './outgoing.ts'
import type { PartitionProducer } from './partition-producer.ts'
import { Router } from './router.ts'
import { SendCall } from './send-call.ts'

/** What a transaction needs to know of whatever takes part in it. */
export interface ProducerTransaction {
  readonly id: TransactionId
  /** Resolves when the coordinator knows that the transaction reaches this partition. */
  join(partitionTopic: string): Promise<void>
  /** The transaction is not over before this is settled. */
  track(work: Promise<unknown>): void
}

interface Waiting {
  readonly call: SendCall
  readonly messages: readonly PulsarOutgoingMessage[]
}

/** A producer over one topic or its partitions. */
export class PulsarProducer implements Producer {
  readonly topic: string
  private readonly partitions: readonly PartitionProducer[]
  private readonly options: ResolvedProducerOptions
  private readonly router: Router | undefined
  private readonly onClose: () => void
  private numbering: 'own' | 'given' | undefined
  /** Calls that did not find room yet, in their order. */
  private readonly waiting: Waiting[] = []
  private readonly open = new Set<SendCall>()
  private closing: Promise<void> | undefined

  constructor(
    topic: string,
    partitions: readonly PartitionProducer[],
    options: ResolvedProducerOptions,
    onClose: () => void,
  ) {
    this.topic = topic
    this.partitions = partitions
    this.options = options
    this.onClose = onClose
    this.router = partitions.length > 1 ? new Router(partitions.length, options) : undefined
  }

  get name(): string {
    return this.partitions[0]?.name ?? ''
  }

  get lastSequenceId(): bigint {
    let last = -1n
    for (const { lastSequence } of this.partitions) if (lastSequence > last) last = lastSequence
    return last
  }

  /** Payloads must not change until the promise settles. */
  async send(
    messages: readonly PulsarOutgoingMessage[],
    transaction?: ProducerTransaction,
  ): Promise<readonly (Position | null)[]> {
    if (this.closing !== undefined) throw closedError(`the producer ${this.name} of ${this.topic}`)
    for (const { failure } of this.partitions) if (failure !== undefined) throw failure
    if (messages.length === 0) return []
    this.checkNumbering(messages)
    if (transaction !== undefined) await this.join(transaction, messages)
    const call = new SendCall(messages.length, transaction?.id)
    if (this.waiting.length > 0 || this.full) {
      if (this.options.whenFull === 'reject') throw queueFullError(this.topic)
      this.waiting.push({ call, messages })
    } else this.enqueue(call, messages)
    this.open.add(call)
    transaction?.track(call.promise)
    try {
      return await call.promise
    } finally {
      this.open.delete(call)
      this.admit()
    }
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll()
    return this.closing
  }

  /** For partitions: a call was rejected, and with it goes everything behind it. */
  readonly failed = (error: unknown): void => {
    this.waiting.length = 0
    for (const partition of this.partitions) partition.abandonQueued(error)
    for (const call of this.open) call.reject(error)
  }

  private async closeAll(): Promise<void> {
    while (this.open.size > 0 && this.waiting.length > 0)
      await Promise.allSettled([...this.open].map(call => call.promise))
    const results = await Promise.allSettled(this.partitions.map(partition => partition.close()))
    this.onClose()
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  private get full(): boolean {
    return this.partitions.some(partition => partition.full)
  }

  /** Lets calls in that waited for room. */
  private admit(): void {
    while (this.waiting.length > 0 && !this.full) {
      const next = this.waiting.shift()
      if (next !== undefined && !next.call.settled) this.enqueue(next.call, next.messages)
    }
  }

  private enqueue(call: SendCall, messages: readonly PulsarOutgoingMessage[]): void {
    const [only] = this.partitions
    if (this.router === undefined) {
      if (only !== undefined) this.enqueuePartition(only, call, messages, undefined)
      return
    }
    const routed = new Map<number, { readonly messages: PulsarOutgoingMessage[]; readonly places: number[] }>()
    for (let i = 0; i < messages.length; i += 1) {
      const message = messages[i] as PulsarOutgoingMessage
      const partition = this.router.partition(message)
      let route = routed.get(partition)
      if (route === undefined) {
        route = { messages: [], places: [] }
        routed.set(partition, route)
      }
      route.messages.push(message)
      route.places.push(i)
    }
    for (const [index, route] of routed) {
      const partition = this.partitions[index]
      if (partition !== undefined) this.enqueuePartition(partition, call, route.messages, route.places)
    }
  }

  private enqueuePartition(
    partition: PartitionProducer,
    call: SendCall,
    messages: readonly PulsarOutgoingMessage[],
    places: readonly number[] | undefined,
  ): void {
    const { grouped: group, maxMessages } = this.options
    // The order of given sequence ids is the order in the topic: deduplication goes by it.
    const grouped =
      group && maxMessages > 1 && messages.length > 2 && this.numbering === 'own'
        ? groupByKey(messages, places)
        : undefined
    if (grouped === undefined) partition.enqueue(call, messages, places)
    else partition.enqueue(call, grouped.messages, grouped.places)
  }

  private checkNumbering(messages: readonly PulsarOutgoingMessage[]): void {
    const given = messages[0]?.sequenceId !== undefined
    const numbering = given ? 'given' : 'own'
    let mixed = this.numbering !== undefined && this.numbering !== numbering
    for (let i = 1; i < messages.length && !mixed; i += 1) mixed = (messages[i]?.sequenceId !== undefined) !== given
    if (mixed) {
      throw usageError(
        `producer ${this.name} of ${this.topic}: some messages have a sequence id and some have none; give one to all or to none`,
      )
    }
    this.numbering = numbering
  }

  private async join(transaction: ProducerTransaction, messages: readonly PulsarOutgoingMessage[]): Promise<void> {
    if (this.router !== undefined && messages.some(({ key }) => key === undefined)) {
      await Promise.all(this.partitions.map(({ topic }) => transaction.join(topic)))
      return
    }
    const { router } = this
    const indexes = new Set(router === undefined ? [0] : messages.map(({ key }) => router.partitionOfKey(key ?? '')))
    await Promise.all([...indexes].map(index => transaction.join(this.partitions[index]?.topic ?? this.topic)))
  }
}
