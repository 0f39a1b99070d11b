import { type Consumer, fullTopicName, type Message, type ReceiveOptions, type SeekTarget } from '@pulsar-io/messaging'
import { closedError, unsupportedError, usageError } from './errors.ts'
import { NativeMessage } from './message.ts'
import type { Part } from './part.ts'
import { Later, WaitPoint } from './waiting.ts'

/** What a consumer needs from its client. */
export interface ConsumerSettings {
  readonly subscription: string
  readonly failover: boolean
  readonly cumulative: boolean
  readonly ackTimeoutMs: number
  readonly nackDelayMs: number
  readonly maxUnsettled: number
  /** Messages of one subscription that are not acknowledged, by topic. */
  readonly backlog: (topic: string) => Promise<number>
  readonly onClose: () => void
}

const DEFAULT_MAX_BYTES = 16 * 1024 * 1024

/** A consumer over any number of partitions and topics, with a consumer of the addon for each. */
export class NativeConsumer implements Consumer {
  readonly subscription: string
  /** The addon does not tell; see {@link onActiveChange}. */
  readonly active = true
  private readonly settings: ConsumerSettings
  private readonly parts = new Map<string, Part>()
  private readonly news = new WaitPoint()
  private readonly refused: Later<NativeMessage>
  private readonly expiring: Later<NativeMessage>
  private next = 0
  private receiving = false
  private failure: Error | undefined
  private closing: Promise<void> | undefined

  constructor(settings: ConsumerSettings) {
    this.subscription = settings.subscription
    this.settings = settings
    this.refused = new Later(messages => this.redeliver(messages))
    this.expiring = new Later(messages => this.expire(messages))
  }

  /** For parts. */
  readonly wake = (): void => this.news.wake()

  get all(): readonly Part[] {
    return [...this.parts.values()]
  }

  get isClosed(): boolean {
    return this.closing !== undefined
  }

  has(partitionTopic: string): boolean {
    return this.parts.has(partitionTopic)
  }

  add(part: Part): void {
    this.parts.set(part.partitionTopic, part)
    this.wake()
  }

  /** What `receive` rejects with from now on. */
  fail(error: Error): void {
    this.failure = error
    this.wake()
  }

  async receive(options: ReceiveOptions): Promise<readonly Message[]> {
    if (this.receiving) throw usageError('receive is called while an earlier receive of the same consumer still waits')
    this.receiving = true
    const until = options.timeoutMs === undefined ? undefined : performance.now() + options.timeoutMs
    try {
      for (;;) {
        this.refuseClosed()
        if (this.failure !== undefined) throw this.failure
        const messages = this.takeAll(options)
        if (messages.length > 0 || options.signal?.aborted) return messages
        for (const { failure } of this.parts.values()) if (failure !== undefined) throw failure
        const left = until === undefined ? undefined : until - performance.now()
        if (left !== undefined && left <= 0) return messages
        await this.news.wait(left === undefined ? undefined : Math.ceil(left), options.signal)
      }
    } finally {
      this.receiving = false
    }
  }

  async acknowledge(messages: readonly Message[]): Promise<void> {
    this.refuseClosed()
    const work = [...byPart(messages)].map(([part, own]) => part.acknowledge(own))
    this.wake()
    await Promise.all(work)
  }

  async acknowledgeCumulative(message: Message): Promise<void> {
    this.refuseClosed()
    if (!this.settings.cumulative) {
      throw usageError(
        `cumulative acknowledgement is for Exclusive and Failover; ${this.subscription} is shared: acknowledge its messages one by one`,
      )
    }
    const own = ownMessage(message)
    const work = own.part.acknowledgeCumulative(own)
    this.wake()
    await work
  }

  negativeAcknowledge(messages: readonly Message[], delayMs = this.settings.nackDelayMs): void {
    this.refuseClosed()
    const taken = messages.map(ownMessage).filter(message => message.part.refuse(message))
    this.refused.add(taken, delayMs)
    this.wake()
  }

  async seek(to: SeekTarget, topic?: string): Promise<void> {
    this.refuseClosed()
    const name = topic === undefined ? undefined : fullTopicName(topic)
    const parts = this.all.filter(part => !name || part.topic === name || part.partitionTopic === name)
    if (parts.length === 0) throw usageError(`seek: ${topic} is not a topic of this consumer`)
    if (typeof to === 'object' && 'position' in to && parts.length > 1) {
      const { ledgerId } = to.position
      const owner = parts.find(part => part.knowsLedger(ledgerId))
      if (owner === undefined) {
        throw usageError(
          `seek: it is not known which partition of ${parts[0]?.topic} has the ledger ${ledgerId}; name the partition as the topic`,
        )
      }
      await owner.seek(to)
    } else await Promise.all(parts.map(part => part.seek(to)))
    this.wake()
  }

  async backlog(): Promise<number> {
    this.refuseClosed()
    const topics = new Set(this.all.map(({ topic }) => topic))
    const each = await Promise.all([...topics].map(topic => this.settings.backlog(topic)))
    return each.reduce((sum, one) => sum + one, 0)
  }

  /**
   * Never calls: without Failover nothing changes.
   * @throws ConnectorError `PIO_NATIVE_UNSUPPORTED` for Failover: the addon does not tell who is the active one, and
   *   whoever waits for it would take itself for the leader.
   */
  onActiveChange(): () => void {
    if (this.settings.failover) {
      throw unsupportedError(
        `the addon does not tell which consumer of ${this.subscription} is the active one, and so cannot the native driver`,
      )
    }
    return () => undefined
  }

  async unsubscribe(): Promise<void> {
    this.refuseClosed()
    await Promise.all(this.all.map(part => part.unsubscribe()))
    await this.close()
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll()
    return this.closing
  }

  private async closeAll(): Promise<void> {
    this.wake()
    // The broker hands out again what was refused, as it does with all that is not settled.
    this.refused.clear()
    this.expiring.clear()
    this.settings.onClose()
    const results = await Promise.allSettled(this.all.map(part => part.close()))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  private takeAll(options: ReceiveOptions): NativeMessage[] {
    const messages: NativeMessage[] = []
    const parts = this.all
    let room = Math.min(options.maxMessages, this.room)
    let bytes = options.maxBytes ?? DEFAULT_MAX_BYTES
    const start = this.next
    for (let n = 0; n < parts.length && room > 0 && bytes > 0; n += 1) {
      const at = (start + n) % parts.length
      const part = parts[at]
      if (part === undefined || !part.ready) continue
      this.next = at + 1
      const before = messages.length
      bytes -= part.take(messages, room, bytes)
      room -= messages.length - before
    }
    if (this.settings.ackTimeoutMs > 0) this.expiring.add(messages, this.settings.ackTimeoutMs)
    return messages
  }

  /** How many more may be out. */
  private get room(): number {
    let held = 0
    for (const part of this.parts.values()) held += part.held
    return this.settings.maxUnsettled - held
  }

  private redeliver(messages: readonly NativeMessage[]): void {
    for (const [part, own] of byPart(messages)) part.redeliver(own)
  }

  private expire(messages: readonly NativeMessage[]): void {
    for (const [part, own] of byPart(messages)) part.redeliver(own.filter(message => part.refuse(message)))
    this.wake()
  }

  private refuseClosed(): void {
    if (this.isClosed) throw closedError(`the consumer of ${this.subscription}`)
  }
}

function ownMessage(message: Message): NativeMessage {
  if (!(message instanceof NativeMessage)) {
    throw usageError('only messages that a consumer of this client received can be settled')
  }
  return message
}

function byPart(messages: readonly Message[]): Map<Part, NativeMessage[]> {
  const groups = new Map<Part, NativeMessage[]>()
  for (const message of messages) {
    const own = ownMessage(message)
    const group = groups.get(own.part)
    if (group === undefined) groups.set(own.part, [own])
    else group.push(own)
  }
  return groups
}
