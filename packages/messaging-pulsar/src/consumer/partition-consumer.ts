import type { SeekTarget } from '@pulsar-io/messaging'
import type { Position } from '@pulsar-io/sdk'
import { RecordError } from '@pulsar-io/sdk/core'
import { Attachment } from '../connection/attachment.ts'
import type { Connection } from '../connection/connection.ts'
import type { ConsumerHandler } from '../connection/handlers.ts'
import type { ClientContext } from '../context.ts'
import { connectionLostError, namedError, ServerFailure, topicDeletedError } from '../errors.ts'
import type { TransactionId } from '../transaction/transaction-id.ts'
import { ByteReader } from '../wire/byte-reader.ts'
import type { CommandInput, CommandOutput } from '../wire/commands.ts'
import { ACK_TYPES, VALIDATION_ERRORS } from '../wire/enums.ts'
import { type MessageFrame, readPayloadHead } from '../wire/message-frame.ts'
import { type EntryMetadata, readEntryMetadata } from '../wire/metadata.ts'
import { AckQueue, type CumulativeAck, sendAck } from './ack-queue.ts'
import { ChunkAssembler } from './chunks.ts'
import { Delivery, type DeliverySource } from './delivery.ts'
import { DeliveryQueue } from './delivery-queue.ts'
import { bitsOf, EntryState, HELD, OPEN, REFUSED, UnsettledEntries } from './entry-state.ts'
import type { PulsarMessage } from './message.ts'
import { type Payload, uncompressed } from './payload.ts'
import { type PermitLimits, Permits } from './permits.ts'
import { firstWanted, type StartAt, seekBody, startMessageId, startOf } from './start-at.ts'

/** What acknowledging in a transaction takes. */
export interface AckTransaction {
  readonly id: TransactionId
  onUndone(undo: () => void): void
}

/** What a consumer of one partition is made of. */
export interface PartitionConsumerSettings {
  readonly context: ClientContext
  /** Full name, with the partition suffix. */
  readonly topic: string
  readonly source: DeliverySource
  readonly subscription: string
  /** Everything of the command that does not change from one registration to the next. */
  readonly subscribe: Omit<CommandInput<'subscribe'>, 'topic' | 'subscription' | 'consumerId' | 'requestId'>
  /** Exclusive and Failover: refused messages are handed out again from here, since the broker would repeat all. */
  readonly ordered: boolean
  /** Whether the broker says which consumer is the active one. */
  readonly failover: boolean
  readonly limits: PermitLimits
  readonly start: StartAt | undefined
  /** Messages that may still be handed out by the consumer as a whole. */
  readonly room: () => number
  /** There is something to take, or something went wrong. */
  readonly wake: () => void
  readonly activeChanged: () => void
}

/** Receives from one partition of a topic. */
export class PartitionConsumer implements ConsumerHandler {
  readonly topic: string
  readonly source: DeliverySource
  active: boolean
  /** What makes it useless for good. */
  failure: Error | undefined
  endOfTopicReached = false
  /** Messages handed out and not settled. */
  held = 0
  /** The last message that was handed out. */
  lastTaken: Position | undefined
  private readonly settings: PartitionConsumerSettings
  private readonly id: number
  private readonly attachment: Attachment
  private readonly acks: AckQueue
  private readonly permits: Permits
  private readonly unsettled = new UnsettledEntries()
  private readonly chunks: ChunkAssembler
  private readonly queue = new DeliveryQueue()
  private again: PulsarMessage[] = []
  /** Of permits for a consumer that it does not know yet a broker hears nothing. */
  private subscribed = false
  private connection: Connection | undefined
  private epoch = 0
  private start: StartAt | undefined
  private seeking = false
  private closed = false
  private corrupt: string | undefined
  private receivedEntries = 0
  private receivedMessages = 0
  /** Ledgers that messages came from. */
  private readonly ledgers = new Set<bigint>()
  private lastLedger = -1n

  constructor(settings: PartitionConsumerSettings) {
    const { context, topic, subscription } = settings
    this.settings = settings
    this.topic = topic
    this.source = settings.source
    this.start = settings.start
    this.active = !settings.failover
    this.id = context.nextId()
    this.permits = new Permits(settings.limits)
    this.chunks = new ChunkAssembler(context.report)
    this.acks = new AckQueue({
      topic,
      subscription,
      consumerId: this.id,
      onSettled: entry => this.unsettled.remove(entry),
      report: context.report,
    })
    this.attachment = new Attachment({
      context,
      topic,
      attach: (connection, reopening, signal) => this.attach(connection, reopening, signal),
      onFatal: error => this.fail(error),
    })
  }

  /** Messages that wait to be handed out. */
  get queued(): number {
    return this.queue.messages
  }

  /** Whether {@link take} may find something. */
  get ready(): boolean {
    return this.again.length > 0 || (this.queue.first?.schemaReady ?? false)
  }

  set limits(limits: PermitLimits) {
    this.permits.limits = limits
  }

  open(signal?: AbortSignal): Promise<void> {
    return this.attachment.open(signal)
  }

  /** Appends messages to `into`; at most so many, and so many bytes, but one if there is any. Returns the bytes. */
  take(into: PulsarMessage[], maxMessages: number, maxBytes: number): number {
    const before = into.length
    let bytes = 0
    while (this.again.length > 0 && into.length - before < maxMessages) {
      const message = this.again[0] as PulsarMessage
      if (into.length > 0 && bytes + message.size > maxBytes) break
      this.again.shift()
      const { state } = message.delivery
      if (state.epoch !== this.epoch || state.states[message.index] !== OPEN) continue
      state.states[message.index] = HELD
      state.held += 1
      into.push(message)
      bytes += message.size
    }
    while (into.length - before < maxMessages && (bytes < maxBytes || into.length === 0)) {
      const delivery = this.queue.first
      if (delivery === undefined || !delivery.schemaReady) break
      const left = delivery.left
      const count = into.length
      try {
        bytes += delivery.take(into, maxMessages - (into.length - before), maxBytes - bytes)
      } catch (error) {
        this.discard(delivery.state, VALIDATION_ERRORS.BatchDeSerializeError, error)
        delivery.left = 0
      }
      this.queue.messages -= left - delivery.left
      if (into.length > count) this.unsettled.add(delivery.state)
      if (delivery.left > 0) {
        if (into.length === count) break
        continue
      }
      this.queue.shift()
      // What nobody was given nobody will acknowledge: all of it was gone already.
      if (delivery.state.remaining === 0 && into.length === count) this.settleQuietly(delivery.state)
    }
    const taken = into.length - before
    this.held += taken
    if (taken > 0) this.lastTaken = (into[into.length - 1] as PulsarMessage).position
    return bytes
  }

  /** Of what a reader takes nobody will say what became of it. */
  forgetTaken(): void {
    this.held = 0
    this.unsettled.clear()
  }

  /** Lets the broker send more, where there is room. */
  replenish(): void {
    const { connection, permits } = this
    if (connection === undefined || !this.subscribed || this.seeking) return
    const granted = permits.grant(this.queued, this.settings.room())
    if (granted > 0) connection.send('flow', { consumerId: this.id, messagePermits: granted })
  }

  /** Messages of this partition, all at once. Resolves when the broker has recorded it. */
  acknowledge(messages: readonly PulsarMessage[], transaction?: AckTransaction): Promise<void> | undefined {
    const touched = new Set<EntryState>()
    const inTransaction = new Map<EntryState, Set<number>>()
    let last: EntryState | undefined
    for (const message of messages) {
      const { state } = message.delivery
      if (state.epoch !== this.epoch) continue
      const wasHeld = state.states[message.index] === HELD
      if (!state.acknowledge(message.index)) continue
      if (wasHeld) this.held -= 1
      if (transaction !== undefined) {
        // The broker hands it out again, then.
        transaction.onUndone(() => state.reopen(message.index))
        const indexes = inTransaction.get(state)
        if (indexes === undefined) inTransaction.set(state, new Set([message.index]))
        else indexes.add(message.index)
      }
      if (state !== last) touched.add(state)
      last = state
    }
    if (touched.size === 0) return undefined
    if (transaction !== undefined) return this.acknowledgeInTransaction(inTransaction, transaction.id)
    return this.acks.individual(touched)
  }

  /** Everything up to a message. Resolves when the broker has recorded it. */
  acknowledgeCumulative(message: PulsarMessage): Promise<void> | undefined {
    const { state } = message.delivery
    if (state.epoch !== this.epoch) return undefined
    for (const other of this.unsettled.all()) {
      if (other.ledgerId > state.ledgerId) continue
      if (other.ledgerId === state.ledgerId && other.entryId > state.entryId) continue
      const upTo = other === state ? message.index : other.states.length - 1
      for (let index = 0; index <= upTo; index += 1) {
        if (other.states[index] === HELD) this.held -= 1
        other.acknowledge(index)
      }
      if (other.remaining === 0) this.unsettled.remove(other)
    }
    const { ledgerId, entryId } = state
    const ack: CumulativeAck = { ledgerId, entryId, ackSet: state.remaining > 0 ? state.ackSet() : [] }
    return this.acks.cumulative(ack)
  }

  /** Takes messages back; false for one that is settled already or was handed out before a seek. */
  refuse(message: PulsarMessage): boolean {
    const { state } = message.delivery
    if (state.epoch !== this.epoch || state.states[message.index] !== HELD) return false
    state.states[message.index] = REFUSED
    state.held -= 1
    this.held -= 1
    return true
  }

  /** Whether nobody settled the message since it was handed out. */
  holds(message: PulsarMessage): boolean {
    const { state } = message.delivery
    return state.epoch === this.epoch && state.states[message.index] === HELD
  }

  /** Refused messages are due: hands them out again, or asks the broker to. */
  redeliver(messages: readonly PulsarMessage[]): void {
    const entries = new Set<EntryState>()
    for (const message of messages) {
      const { state } = message.delivery
      // Acknowledged after all, or forgotten by a seek.
      if (state.epoch !== this.epoch || state.states[message.index] !== REFUSED) continue
      state.states[message.index] = OPEN
      if (this.settings.ordered) this.again.push(message.repeat())
      else entries.add(state)
    }
    if (this.settings.ordered) {
      this.settings.wake()
      return
    }
    if (entries.size === 0) return
    const messageIds: { ledgerId: bigint; entryId: bigint }[] = []
    for (const state of entries) {
      messageIds.push({ ledgerId: state.ledgerId, entryId: state.entryId }, ...(state.chunks ?? []))
      // The broker may give it to another consumer: then nobody here will hear of it again.
      if (state.remaining === state.states.length) this.unsettled.remove(state)
    }
    this.connection?.send('redeliverUnacknowledgedMessages', { consumerId: this.id, messageIds })
  }

  /** Whether a message of this ledger came from here. */
  knowsLedger(ledgerId: bigint): boolean {
    return this.ledgers.has(ledgerId)
  }

  /** Moves the subscription. */
  async seek(to: SeekTarget): Promise<void> {
    const { topic, subscription } = this.settings
    const action = `moving ${subscription} on ${topic}`
    const connection = await this.connected(action)
    this.seeking = true
    try {
      await connection.request('seek', { consumerId: this.id, ...seekBody(to) }, 'success', action)
      this.epoch += 1
      this.forget()
      this.acks.forget()
      this.start = startOf(to)
    } catch (error) {
      throw namedError(error, { action, topic, subscription })
    } finally {
      this.seeking = false
      // The broker closed the consumer for the seek; where it did not, begin anew all the same.
      if (this.connection !== undefined) this.leaveQuietly(this.connection)
      this.connection = undefined
      this.attachment.lost()
    }
    await this.attachment.settled()
  }

  /**
   * Messages that the subscription has not acknowledged. Brokers count entries: where several messages share one, this is
   * an estimate by what came so far, exact for 0 and for what is known here.
   */
  backlog(): Promise<number> {
    return this.ask(`asking for the backlog of ${this.place}`, async (connection, action) => {
      const stats = await connection.request('consumerStats', { consumerId: this.id }, 'consumerStatsResponse', action)
      if (stats.errorCode !== undefined) throw new ServerFailure(stats.errorCode, stats.errorMessage ?? '')
      return this.messagesOf(stats.msgBacklog ?? 0)
    })
  }

  /** The last message of the topic; undefined when there is none. */
  lastMessage(): Promise<CommandOutput<'getLastMessageIdResponse'>> {
    return this.ask(`asking for the last message of ${this.topic}`, (connection, action) =>
      connection.request('getLastMessageId', { consumerId: this.id }, 'getLastMessageIdResponse', action),
    )
  }

  /** Deletes the subscription. */
  async unsubscribe(): Promise<void> {
    await this.ask(`deleting the subscription ${this.place}`, (connection, action) =>
      connection.request('unsubscribe', { consumerId: this.id }, 'success', action),
    )
  }

  /** Sends what is left to acknowledge, and takes leave of the broker. */
  async close(error: Error): Promise<void> {
    if (this.closed) return
    await this.acks.close(error)
    this.closed = true
    this.attachment.close()
    const { connection } = this
    this.connection = undefined
    this.forget()
    if (connection === undefined) return
    try {
      const action = `closing a consumer of ${this.topic}`
      await connection.request('closeConsumer', { consumerId: this.id }, 'success', action)
    } catch (failure) {
      // With the connection the consumer is gone, too.
      if (connection.alive) this.settings.context.report(failure)
    } finally {
      connection.removeConsumer(this.id)
    }
  }

  message(frame: MessageFrame, buffer: Buffer, start: number, end: number): void {
    if (this.seeking || this.failure !== undefined) return
    const head = readPayloadHead(buffer, start, end)
    const metadata = readEntryMetadata(new ByteReader(buffer, head.metadataStart, head.metadataEnd))
    const count = metadata.messagesInBatch ?? 1
    this.permits.received(count, end - start)
    this.receivedEntries += 1
    this.receivedMessages += count
    if (!head.intact) this.damaged(frame, count)
    else if (metadata.encrypted) this.fail(encryptedError(this.topic))
    else if (metadata.markerType !== undefined) this.settleQuietly(this.newState(frame, count))
    else if (metadata.chunks > 1) this.chunk(frame, metadata, buffer.subarray(head.metadataEnd, end))
    else this.accept(frame, metadata, { buffer, start: head.metadataEnd, end }, undefined)
    if (this.queued === 0) this.replenish()
  }

  activeChange(active: boolean): void {
    if (!this.settings.failover || this.active === active) return
    this.active = active
    this.settings.activeChanged()
  }

  endOfTopic(): void {
    this.endOfTopicReached = true
    this.settings.wake()
  }

  closedByBroker(): void {
    this.detach()
    if (!this.seeking) this.attachment.lost()
  }

  connectionLost(error: Error): void {
    this.detach()
    if (this.closed) return
    this.settings.context.report(error)
    if (!this.seeking) this.attachment.lost()
  }

  private detach(): void {
    this.connection = undefined
    this.acks.disconnected()
    // Another consumer may be the active one by now; the broker says so when this one is back.
    this.activeChange(false)
  }

  private accept(frame: MessageFrame, metadata: EntryMetadata, payload: Payload, chunks: EntryState['chunks']): void {
    const known = this.unsettled.get(frame.ledgerId, frame.entryId)
    const state = known ?? this.newState(frame, metadata.messagesInBatch ?? 1, chunks)
    if (known !== undefined && this.acks.busy(known) && known.remaining === 0) return
    let opened: Payload
    try {
      opened = uncompressed(metadata, payload)
    } catch (error) {
      this.discard(state, VALIDATION_ERRORS.DecompressionError, error)
      return
    }
    if (frame.ledgerId !== this.lastLedger) {
      this.lastLedger = frame.ledgerId
      this.ledgers.add(frame.ledgerId)
    }
    this.passOver(frame, state)
    const delivery = new Delivery(this.source, state, metadata, frame.redeliveryCount, opened)
    this.attachSchema(delivery)
    this.queue.push(delivery)
    this.settings.wake()
  }

  /** Marks messages of the entry that are not to be handed out: acknowledged earlier, or in front of where to start. */
  private passOver(frame: MessageFrame, state: EntryState): void {
    const { start } = this
    const { ackSet } = frame
    const count = state.states.length
    const first = start === undefined ? 0 : firstWanted(start, frame, count)
    if (first === 0 && ackSet.length === 0) return
    for (let index = 0; index < count; index += 1) {
      const word = ackSet[index >> 6]
      const gone = ackSet.length > 0 && (word === undefined || ((word >> BigInt(index & 63)) & 1n) === 0n)
      if ((index < first || gone) && state.states[index] !== HELD) state.acknowledge(index)
    }
  }

  private attachSchema(delivery: Delivery): void {
    const version = delivery.metadata.schemaVersion
    if (version === undefined || version.length === 0) return
    const { schemas } = this.settings.context
    const { topic } = this.source
    const known = schemas.peek(topic, version)
    if (known !== undefined) {
      delivery.schema = known.schema
      return
    }
    delivery.schemaReady = false
    const fetch = (): void => {
      schemas.fetch(topic, version).then(
        schema => {
          delivery.schema = schema
          delivery.schemaReady = true
          this.settings.wake()
        },
        error => {
          this.settings.context.report(error)
          if (!this.closed && this.queue.includes(delivery)) setTimeout(fetch, RETRY_SCHEMA_MS)
        },
      )
    }
    fetch()
  }

  private chunk(frame: MessageFrame, metadata: EntryMetadata, chunk: Buffer): void {
    const whole = this.chunks.add(frame, metadata, chunk)
    if (whole === undefined) return
    const { payload } = whole
    this.accept(frame, metadata, { buffer: payload, start: 0, end: payload.length }, whole.earlier)
  }

  private newState(frame: MessageFrame, count: number, chunks?: EntryState['chunks']): EntryState {
    return new EntryState(frame.ledgerId, frame.entryId, count, this.epoch, chunks)
  }

  /** The bytes changed on their way. Once, another delivery may mend it; twice, they are stored like this. */
  private damaged(frame: MessageFrame, count: number): void {
    const place = `${frame.ledgerId}:${frame.entryId}`
    if (this.corrupt === place) {
      this.corrupt = undefined
      const error = new RecordError(`${place} of ${this.topic} does not match its checksum`, {
        code: 'PIO_PULSAR_CHECKSUM',
      })
      this.discard(this.newState(frame, count), VALIDATION_ERRORS.ChecksumMismatch, error)
      return
    }
    this.corrupt = place
    this.connection?.fail(connectionLostError(this.connection.broker, `${place} came with a wrong checksum`))
  }

  /** Takes an entry away that can never be read, telling the broker why. */
  private discard(state: EntryState, validationError: number, why: unknown): void {
    this.settings.context.report(why)
    this.connection?.send('ack', {
      consumerId: this.id,
      ackType: ACK_TYPES.Individual,
      messageId: [{ ledgerId: state.ledgerId, entryId: state.entryId }],
      validationError,
    })
  }

  /** Acknowledges an entry in which there is nothing for anybody. */
  private settleQuietly(state: EntryState): void {
    if (this.settings.subscribe.durable === false) return
    for (let index = 0; index < state.states.length; index += 1) state.acknowledge(index)
    this.acks.individual([state]).catch(this.settings.context.report)
  }

  private async acknowledgeInTransaction(
    entries: ReadonlyMap<EntryState, ReadonlySet<number>>,
    transaction: TransactionId,
  ): Promise<void> {
    const ids = [...entries].flatMap(([{ ledgerId, entryId, states, chunks }, indexes]) => {
      const batchSize = states.length
      if (indexes.size === batchSize) return [{ ledgerId, entryId, batchSize }, ...(chunks ?? [])]
      // Of what others have acknowledged, a transaction says nothing.
      return [{ ledgerId, entryId, batchSize, ackSet: bitsOf(batchSize, index => !indexes.has(index)) }]
    })
    await this.ask(`acknowledging for ${this.place} in a transaction`, connection =>
      sendAck(connection, this.id, ACK_TYPES.Individual, ids, transaction),
    )
    for (const entry of entries.keys()) if (entry.remaining === 0) this.unsettled.remove(entry)
  }

  private messagesOf(entries: number): number {
    if (entries === 0 || this.receivedEntries === 0) return entries
    let acknowledged = 0
    for (const state of this.unsettled.all()) {
      if (state.remaining > 0) acknowledged += state.states.length - state.remaining
    }
    return Math.max(1, Math.round((entries * this.receivedMessages) / this.receivedEntries) - acknowledged)
  }

  /** Asks the broker, and says in an error what for. */
  private async ask<T>(action: string, question: (connection: Connection, action: string) => Promise<T>): Promise<T> {
    const { topic, subscription } = this.settings
    const connection = await this.connected(action)
    try {
      return await question(connection, action)
    } catch (error) {
      throw namedError(error, { action, topic, subscription })
    }
  }

  /** For messages. */
  private get place(): string {
    return `${this.settings.subscription} of ${this.topic}`
  }

  private async connected(action: string): Promise<Connection> {
    if (this.connection === undefined) await this.attachment.settled()
    if (this.failure !== undefined) throw this.failure
    if (this.connection === undefined) throw connectionLostError(this.topic, `${action} has to wait until it is back`)
    return this.connection
  }

  private async attach(connection: Connection, reopening: boolean, signal: AbortSignal): Promise<void> {
    const { topic, subscription, subscribe } = this.settings
    const action = `cannot subscribe to ${topic} as ${subscription}`
    this.dropQueue()
    this.permits.reset()
    this.subscribed = false
    connection.addConsumer(this.id, this)
    // A message may come before the answer does.
    this.connection = connection
    try {
      await connection.request(
        'subscribe',
        {
          ...subscribe,
          topic,
          subscription,
          consumerId: this.id,
          ...(reopening && topic.startsWith('persistent:') ? { forceTopicCreation: false } : {}),
          ...this.startId(),
        },
        'success',
        action,
      )
      if (signal.aborted) throw signal.reason
      this.subscribed = true
      await this.acks.connected(connection)
      this.replenish()
    } catch (error) {
      this.connection = undefined
      this.leaveQuietly(connection)
      if (signal.aborted) throw error
      if (reopening && error instanceof ServerFailure && error.error === 'TopicNotFound') throw topicDeletedError(topic)
      throw namedError(error, { action, topic, subscription })
    }
  }

  /** A reader has no place at the broker: after a lost connection it goes on behind what was handed out. */
  private startId(): { readonly startMessageId?: CommandInput<'subscribe'>['startMessageId'] } {
    if (this.settings.subscribe.durable !== false) return {}
    if (this.lastTaken !== undefined) this.start = { position: this.lastTaken, inclusive: false }
    return this.start === undefined ? {} : { startMessageId: startMessageId(this.start) }
  }

  private leaveQuietly(connection: Connection): void {
    connection.removeConsumer(this.id)
    connection.tell('closeConsumer', { consumerId: this.id })
  }

  private fail(error: Error): void {
    this.failure = error
    this.settings.wake()
  }

  /** The broker sends what waits here again, to whomever it likes. */
  private dropQueue(): void {
    this.queue.clear()
    this.chunks.clear()
  }

  /** Forgets what is out. */
  private forget(): void {
    this.dropQueue()
    this.unsettled.clear()
    this.again = []
    this.held = 0
    this.lastTaken = undefined
  }
}

const RETRY_SCHEMA_MS = 1_000
function encryptedError(topic: string): Error {
  return new RecordError(`${topic} holds encrypted messages; this client cannot read them`, {
    code: 'PIO_PULSAR_ENCRYPTED',
  })
}
