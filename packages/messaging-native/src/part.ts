import type { SeekTarget } from '@pulsar-io/messaging'
import { comparePositions, type Position, type SchemaInfo } from '@pulsar-io/sdk'
import type { Addon, AddonConsumer, AddonMessage, AddonMessageId } from './addon.ts'
import { namedError } from './errors.ts'
import { NativeMessage } from './message.ts'
import { formatMessageId } from './message-id.ts'

/** What a part is made of. */
export interface PartSettings {
  /** Full name, without the partition. */
  readonly topic: string
  /** Full name of the partition; the topic itself where it has none. */
  readonly partitionTopic: string
  readonly partition: number
  readonly subscription: string
  readonly schema: SchemaInfo | undefined
  /** Exclusive and Failover: what is refused stays here, for a broker would hand out all that is not acknowledged. */
  readonly ordered: boolean
  readonly maxQueuedMessages: number
  readonly maxQueuedBytes: number
  /** Opens another consumer of the addon in the place of one that was closed. */
  readonly reopen: () => Promise<AddonConsumer>
  /** There is something new: messages, or a failure. */
  readonly wake: () => void
}

/** Ledgers that are remembered, to know whose a position is. */
const KNOWN_LEDGERS = 64

/** One partition of a consumer: what came of the addon and was not handed out yet, and what is out. */
export class Part {
  readonly topic: string
  readonly partitionTopic: string
  readonly partition: number
  schema: SchemaInfo | undefined
  failure: Error | undefined
  private readonly settings: PartSettings
  private readonly addon: Addon
  private consumer: AddonConsumer
  private queue: NativeMessage[] = []
  private queuedBytes = 0
  private out = new Set<NativeMessage>()
  private readonly ledgers = new Set<bigint>()
  /** Messages of the same entry in front of this are not wanted: a seek goes to entries. */
  private begins: Position | undefined
  private pumping = false
  private seeking = false
  private closed = false

  constructor(addon: Addon, consumer: AddonConsumer, settings: PartSettings) {
    this.addon = addon
    this.consumer = consumer
    this.settings = settings
    this.topic = settings.topic
    this.partitionTopic = settings.partitionTopic
    this.partition = settings.partition
    this.schema = settings.schema
    this.replenish()
  }

  /** Messages that are handed out and not settled. */
  get held(): number {
    return this.out.size
  }

  knowsLedger(ledgerId: bigint): boolean {
    return this.ledgers.has(ledgerId)
  }

  /** Hands out what fits; at least one message where there is one. Returns its bytes. */
  take(into: NativeMessage[], maxMessages: number, maxBytes: number): number {
    let bytes = 0
    let count = 0
    for (const message of this.queue) {
      if (count >= maxMessages) break
      if (bytes + message.size > maxBytes && into.length > 0) break
      message.state = 'out'
      this.out.add(message)
      into.push(message)
      bytes += message.size
      count += 1
    }
    if (count > 0) this.queue = this.queue.slice(count)
    this.queuedBytes -= bytes
    this.replenish()
    return bytes
  }

  get ready(): boolean {
    return this.queue.length > 0
  }

  async acknowledge(messages: readonly NativeMessage[]): Promise<void> {
    const settled = messages.filter(message => message.state !== 'settled')
    for (const message of settled) this.settle(message)
    await this.ask('acknowledging', () => Promise.all(settled.map(({ handle }) => this.consumer.acknowledge(handle))))
  }

  async acknowledgeCumulative(message: NativeMessage): Promise<void> {
    if (message.state === 'settled') return
    for (const each of this.out) if (comparePositions(each.position, message.position) <= 0) this.settle(each)
    this.settle(message)
    await this.ask('acknowledging', () => this.consumer.acknowledgeCumulative(message.handle))
  }

  /** Whether the message is to be handed out again, that is, still out. */
  refuse(message: NativeMessage): boolean {
    if (message.state !== 'out') return false
    message.state = 'refused'
    this.out.delete(message)
    return true
  }

  redeliver(messages: readonly NativeMessage[]): void {
    for (const message of messages) {
      // Acknowledged or forgotten meanwhile.
      if (message.state !== 'refused' || this.closed) continue
      message.state = 'settled'
      if (this.settings.ordered) this.enqueue(new NativeMessage(this, message.handle, message))
      else this.consumer.negativeAcknowledge(message.handle)
    }
    this.settings.wake()
  }

  async seek(to: SeekTarget): Promise<void> {
    this.seeking = true
    try {
      this.forget()
      this.begins = undefined
      await this.ask('seeking in', () =>
        typeof to === 'object' && 'time' in to
          ? this.consumer.seekTimestamp(Math.max(0, Math.round(to.time)))
          : this.consumer.seek(this.messageId(to)),
      )
      // What the addon handed over before it sought may still be on its way to this thread.
      await new Promise(resolve => setImmediate(resolve))
      if (typeof to === 'object' && 'position' in to) await this.beginWith(to.position)
      this.forget()
    } finally {
      this.seeking = false
      this.replenish()
    }
  }

  async unsubscribe(): Promise<void> {
    await this.ask('unsubscribing from', () => this.consumer.unsubscribe())
  }

  async close(): Promise<void> {
    this.closed = true
    this.forget()
    try {
      await this.ask('closing the consumer of', () => this.consumer.close())
    } catch (error) {
      // After unsubscribing, or when the broker ended it: that is what was asked for.
      if ((error as { code?: unknown }).code !== 'PIO_CLOSED') throw error
    }
  }

  /**
   * The addon would leave the message out that it was sent to; a new consumer of it begins with the entry, where the
   * broker now stands.
   */
  private async beginWith(position: Position): Promise<void> {
    const old = this.consumer
    try {
      await this.ask('closing the consumer of', () => old.close())
      this.consumer = await this.settings.reopen()
      if (position.batchIndex > 0) this.begins = position
    } catch (error) {
      this.failure = error as Error
      throw error
    }
  }

  /** Receives while there is room. */
  private replenish(): void {
    if (this.pumping || this.closed || this.seeking || this.failure !== undefined || !this.hasRoom) return
    this.pumping = true
    const { consumer } = this
    this.pump(consumer)
      .catch((error: unknown) => {
        // That of a consumer which is closed on purpose.
        if (this.closed || this.seeking || consumer !== this.consumer) return
        this.failure = namedError(error, { action: `cannot receive from ${this.partitionTopic}` })
        this.settings.wake()
      })
      .finally(() => {
        this.pumping = false
        this.replenish()
      })
  }

  private async pump(consumer: AddonConsumer): Promise<void> {
    const goesOn = () => this.hasRoom && !this.closed && consumer === this.consumer
    while (goesOn()) {
      // Waits for the first message for as long as it takes, then takes along what has come as well.
      this.accept(consumer, [await consumer.receive()])
      while (goesOn()) {
        const more = await consumer.batchReceive()
        if (more.length === 0) break
        this.accept(consumer, more)
      }
    }
  }

  private get hasRoom(): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.settings
    return this.queue.length < maxQueuedMessages && this.queuedBytes < maxQueuedBytes
  }

  private accept(consumer: AddonConsumer, handles: readonly AddonMessage[]): void {
    if (this.seeking || this.closed || consumer !== this.consumer) return
    for (const handle of handles) {
      const message = new NativeMessage(this, handle)
      if (this.isInFront(message.position)) this.passOver(message)
      else this.enqueue(message)
    }
    this.settings.wake()
  }

  private isInFront({ ledgerId, entryId, batchIndex }: Position): boolean {
    const { begins } = this
    return begins?.ledgerId === ledgerId && begins.entryId === entryId && batchIndex < begins.batchIndex
  }

  /** Nobody will settle it, and it may not come again. */
  private passOver(message: NativeMessage): void {
    this.acknowledge([message]).catch((error: unknown) => {
      this.failure = error as Error
      this.settings.wake()
    })
  }

  private enqueue(message: NativeMessage): void {
    this.queue.push(message)
    this.queuedBytes += message.size
    const { ledgerId } = message.position
    if (this.ledgers.has(ledgerId)) return
    this.ledgers.add(ledgerId)
    for (const oldest of this.ledgers) {
      if (this.ledgers.size <= KNOWN_LEDGERS) break
      this.ledgers.delete(oldest)
    }
  }

  private settle(message: NativeMessage): void {
    message.state = 'settled'
    this.out.delete(message)
  }

  private forget(): void {
    for (const message of [...this.queue, ...this.out]) message.state = 'settled'
    this.queue = []
    this.queuedBytes = 0
    this.out = new Set()
  }

  private messageId(to: 'earliest' | 'latest' | { readonly position: Position }): AddonMessageId {
    const { MessageId } = this.addon
    if (to === 'earliest') return MessageId.earliest()
    if (to === 'latest') return MessageId.latest()
    return MessageId.deserialize(formatMessageId({ position: to.position, partition: -1 }))
  }

  private async ask(action: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      throw namedError(error, { action: `${action} ${this.settings.subscription} of ${this.partitionTopic}` })
    }
  }
}
