import type { ProducerAccess } from '@pulsar-io/messaging'
import type { Properties, SchemaInfo } from '@pulsar-io/sdk'
import { Attachment } from '../connection/attachment.ts'
import type { Connection } from '../connection/connection.ts'
import type { ProducerHandler } from '../connection/handlers.ts'
import type { ClientContext } from '../context.ts'
import { connectionLostError, namedError, ServerFailure, sendTimeoutError } from '../errors.ts'
import type { CommandOutput } from '../wire/commands.ts'
import { ACCESS_MODES } from '../wire/enums.ts'
import { toWireSchema } from '../wire/schema.ts'
import { EntryMaker, type Registration } from './entry-maker.ts'
import type { ResolvedProducerOptions } from './options.ts'
import { Outbox } from './outbox.ts'
import type { PulsarOutgoingMessage } from './outgoing.ts'
import { PendingEntries, type PendingEntry } from './pending.ts'
import type { SendCall } from './send-call.ts'

/** What a producer of one partition is made of. */
export interface PartitionProducerSettings {
  readonly context: ClientContext
  /** Full name, with the partition suffix. */
  readonly topic: string
  readonly name: string | undefined
  readonly access: ProducerAccess
  readonly schema: SchemaInfo | undefined
  readonly properties: Properties | undefined
  readonly initialSubscription: string | undefined
  readonly options: ResolvedProducerOptions
  /** Something was rejected: what waits behind it must not overtake it. */
  readonly onFailure: (error: unknown) => void
}

const SWEEP_MS = 1_000

/** Publishes into one partition: entries in order, confirmed or sent again after the connection broke. */
export class PartitionProducer implements ProducerHandler {
  readonly topic: string
  /** The last sequence id that is confirmed, or that the broker told of. */
  lastSequence = -1n
  /** What makes it useless for good. */
  failure: Error | undefined
  private readonly settings: PartitionProducerSettings
  private id: number
  private readonly attachment: Attachment
  private readonly outbox = new Outbox()
  private readonly pending: PendingEntries
  private readonly maker: EntryMaker
  private connection: Connection | undefined
  private registration: Registration
  private epoch = 0
  private topicEpoch: bigint | undefined
  /** The highest sequence id that the broker may know. */
  private highWater = -1n
  private next = 0n
  private flushTimer: NodeJS.Timeout | undefined
  private flushImmediate: NodeJS.Immediate | undefined
  private sweepTimer: NodeJS.Timeout | undefined
  private closed = false
  private onIdle: (() => void) | undefined

  constructor(settings: PartitionProducerSettings) {
    const { context, options, topic } = settings
    this.settings = settings
    this.topic = topic
    this.id = context.nextId()
    this.pending = new PendingEntries(context.buffers)
    this.registration = {
      producerId: this.id,
      producerName: settings.name ?? '',
      schemaVersion: undefined,
      maxMessageSize: 0,
    }
    this.maker = new EntryMaker({
      topic,
      compression: options.compression,
      chunking: options.chunking,
      byKey: options.byKey,
      buffers: context.buffers,
    })
    this.attachment = new Attachment({
      context,
      topic,
      attach: (connection, reopening, signal) => this.attach(connection, reopening, signal),
      onFatal: error => {
        this.failure = error
        this.fail(error)
      },
    })
  }

  get name(): string {
    return this.registration.producerName
  }

  /** Whether no more should be put in now. */
  get full(): boolean {
    const { options } = this.settings
    return (
      this.pending.messages + this.outbox.messages >= options.maxPendingMessages ||
      this.pending.bytes >= options.maxPendingBytes
    )
  }

  async open(signal: AbortSignal | undefined): Promise<void> {
    await this.attachment.open(signal)
    const { sendTimeoutMs } = this.settings.options
    if (sendTimeoutMs > 0) {
      this.sweepTimer = setInterval(() => this.sweep(), Math.min(SWEEP_MS, sendTimeoutMs)).unref()
    }
  }

  /** Takes messages in; the call hears of each of them. */
  enqueue(call: SendCall, messages: readonly PulsarOutgoingMessage[], places: readonly number[] | undefined): void {
    this.outbox.add(call, messages, places)
    const { maxMessages, maxDelayMs } = this.settings.options
    if (this.outbox.messages >= maxMessages) this.pump(false)
    if (this.outbox.messages === 0) return
    // Whoever sends one message at a time shall not wait for others that do not come.
    if (this.pending.size === 0 || maxDelayMs <= 0) this.flushImmediate ??= setImmediate(this.flush)
    else this.flushTimer ??= setTimeout(this.flush, maxDelayMs)
  }

  /** Rejects everything that waits; what is on its way may still be stored, and nobody hears of it. */
  abandonQueued(error: unknown): void {
    for (const call of this.outbox.clear()) call.reject(error)
  }

  /** Waits for what is on its way, and takes leave of the broker. */
  async close(): Promise<void> {
    if (this.closed) return
    if (this.pending.size + this.outbox.messages > 0 && this.failure === undefined) {
      this.flush()
      await this.idle()
    }
    this.closed = true
    this.attachment.close()
    clearInterval(this.sweepTimer)
    clearTimeout(this.flushTimer)
    clearImmediate(this.flushImmediate)
    await this.leave()
  }

  receipt(receipt: CommandOutput<'sendReceipt'>): void {
    const oldest = this.pending.oldest
    // A receipt for what was given up.
    if (oldest === undefined || BigInt.asUintN(64, oldest.sequence) !== receipt.sequenceId) return
    const { ledgerId = -1n, entryId = -1n } = receipt.messageId ?? {}
    if (oldest.lastSequence > this.lastSequence) this.lastSequence = oldest.lastSequence
    this.pending.confirm(ledgerId, entryId)
    if (
      this.outbox.messages > 0 &&
      (this.pending.size === 0 || this.outbox.messages >= this.settings.options.maxMessages)
    ) {
      this.pump(this.pending.size === 0)
    }
    this.checkIdle()
  }

  sendError(error: CommandOutput<'sendError'>): void {
    const failure = new ServerFailure(error.error, error.message)
    const context = { action: `publishing to ${this.topic}`, topic: this.topic, reopening: true }
    const named = namedError(failure, context)
    if (named.retry === 'reconnect' || named.retry === 'retry') {
      // It passes, as when a topic moves: what is on its way goes again, in order, over a new registration.
      this.settings.context.report(named)
      this.leaveQuietly()
      this.giveUpTransactions(named)
      this.attachment.lost()
      return
    }
    if (named.retry === 'stop') this.failure = named
    this.startOver(named)
  }

  closedByBroker(): void {
    this.connection = undefined
    this.giveUpTransactions(new Error('the broker closed the producer'))
    this.attachment.lost()
  }

  connectionLost(error: Error): void {
    this.connection = undefined
    if (!this.closed) this.settings.context.report(error)
    this.giveUpTransactions(error)
    this.attachment.lost()
  }

  private readonly flush = (): void => {
    clearTimeout(this.flushTimer)
    clearImmediate(this.flushImmediate)
    this.flushTimer = undefined
    this.flushImmediate = undefined
    this.pump(true)
  }

  /** Makes entries of what waits, as far as the bounds allow; `all`: not only full ones. */
  private pump(all: boolean): void {
    const { options } = this.settings
    const { pending, outbox } = this
    try {
      while (
        outbox.messages > 0 &&
        (all || outbox.messages >= options.maxMessages) &&
        pending.messages < options.maxPendingMessages &&
        pending.bytes < options.maxPendingBytes
      ) {
        const cut = outbox.cut(options, this.mayFollow)
        if (cut.count === 0) break
        let entries: readonly PendingEntry[]
        try {
          entries = this.maker.make(cut, this.sequenceOf, this.registration)
        } catch (error) {
          for (const { call } of cut.segments) call.reject(error)
          throw error
        }
        for (const entry of entries) {
          if (entry.lastSequence > this.highWater) this.highWater = entry.lastSequence
          pending.add(entry)
          this.write(entry)
        }
      }
    } catch (error) {
      this.settings.onFailure(error)
    }
    this.checkIdle()
  }

  /** A batch is a duplicate as a whole or not at all: it must not reach over what the broker may know. */
  private readonly mayFollow = (message: PulsarOutgoingMessage, before: PulsarOutgoingMessage): boolean => {
    const { sequenceId } = message
    if (sequenceId === undefined || before.sequenceId === undefined) return true
    if (sequenceId <= before.sequenceId) return false
    return !(before.sequenceId <= this.highWater && sequenceId > this.highWater)
  }

  private readonly sequenceOf = (message: PulsarOutgoingMessage): bigint => {
    if (message.sequenceId !== undefined) return message.sequenceId
    const sequence = this.next
    this.next += 1n
    return sequence
  }

  private write(entry: PendingEntry): void {
    const { connection } = this
    if (connection === undefined) return
    connection.write(entry.head)
    if (entry.payload.length > 0) connection.write(entry.payload)
  }

  private async attach(connection: Connection, reopening: boolean, signal: AbortSignal): Promise<void> {
    const { topic, name, access, schema, properties, initialSubscription } = this.settings
    const action = `cannot produce to ${topic}`
    const wireSchema = toWireSchema(schema)
    // Also for a connection that breaks while the broker answers.
    connection.addProducer(this.id, this)
    try {
      const success = await connection.requestProducer(
        {
          topic,
          producerId: this.id,
          ...(this.registration.producerName === '' ? {} : { producerName: this.registration.producerName }),
          userProvidedProducerName: name !== undefined,
          epoch: this.epoch,
          // Who has been fenced must not fence in turn: the second time it may only have what nobody else holds.
          producerAccessMode: ACCESS_MODES[reopening && access === 'ExclusiveWithFencing' ? 'Exclusive' : access],
          metadata: Object.entries(properties ?? {}).map(([key, value]) => ({ key, value })),
          ...(this.topicEpoch === undefined ? {} : { topicEpoch: this.topicEpoch }),
          ...(wireSchema === undefined ? {} : { schema: wireSchema }),
          ...(initialSubscription === undefined ? {} : { initialSubscriptionName: initialSubscription }),
        },
        action,
        signal,
      )
      if (this.closed) throw connectionLostError(connection.broker, 'the producer was closed')
      this.registered(connection, success, reopening)
    } catch (error) {
      connection.removeProducer(this.id)
      // The broker may still make it.
      connection.tell('closeProducer', { producerId: this.id })
      this.epoch += 1
      if (signal.aborted) throw error
      throw namedError(error, { action, topic, reopening, producer: this.registration.producerName })
    }
  }

  private registered(connection: Connection, success: CommandOutput<'producerSuccess'>, reopening: boolean): void {
    const version = success.schemaVersion
    this.epoch += 1
    this.topicEpoch = success.topicEpoch ?? this.topicEpoch
    this.registration = {
      producerId: this.id,
      producerName: success.producerName,
      schemaVersion: version === undefined || version.length === 0 ? undefined : version,
      maxMessageSize: connection.maxMessageSize,
    }
    const known = success.lastSequenceId ?? -1n
    if (!reopening) {
      this.lastSequence = known
      this.next = known + 1n
    }
    if (this.pending.size === 0) this.highWater = known
    else if (known > this.highWater) this.highWater = known
    this.connection = connection
    for (const entry of this.pending.all()) this.write(entry)
    this.pump(true)
  }

  /**
   * What is on its way in a transaction is never sent again: where nothing deduplicates, a message whose receipt got lost
   * would be in it twice. Its `send` rejects, and the transaction with it.
   */
  private giveUpTransactions(error: Error): void {
    const isPart = ({ segments }: PendingEntry) => segments.some(({ call }) => call.transaction !== undefined)
    if (!this.pending.all().some(isPart)) return
    this.fail(namedError(error, { action: `publishing to ${this.topic} in a transaction` }))
    // Receipts of what was given up must not be taken for those of what comes now.
    this.id = this.settings.context.nextId()
    this.registration = { ...this.registration, producerId: this.id }
  }

  /** Nobody knows what of the rest is stored: gives it all up, and asks the broker anew. */
  private startOver(error: unknown): void {
    this.leaveQuietly()
    this.fail(error)
    // Receipts of what was given up must not be taken for those of what comes now.
    this.id = this.settings.context.nextId()
    this.registration = { ...this.registration, producerId: this.id }
    if (this.failure === undefined) this.attachment.lost()
  }

  private leaveQuietly(): void {
    const { connection } = this
    this.connection = undefined
    if (connection === undefined) return
    connection.removeProducer(this.id)
    connection.tell('closeProducer', { producerId: this.id })
  }

  private fail(error: unknown): void {
    const calls = new Set(this.pending.clear().flatMap(entry => entry.segments.map(segment => segment.call)))
    for (const call of calls) call.reject(error)
    this.abandonQueued(error)
    this.settings.onFailure(error)
    this.checkIdle()
  }

  private sweep(): void {
    const { sendTimeoutMs } = this.settings.options
    const oldest = this.pending.oldest
    if (oldest !== undefined && performance.now() - oldest.since > sendTimeoutMs) {
      this.startOver(sendTimeoutError(this.topic, sendTimeoutMs))
    }
  }

  private checkIdle(): void {
    if (this.onIdle === undefined || this.pending.size + this.outbox.messages > 0) return
    this.onIdle()
    this.onIdle = undefined
  }

  /** Resolves when nothing is on its way; in the end by giving it up. */
  private async idle(): Promise<void> {
    const { operationTimeoutMs } = this.settings.context
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>(resolve => {
      this.onIdle = resolve
      timer = setTimeout(() => this.fail(sendTimeoutError(this.topic, operationTimeoutMs)), operationTimeoutMs)
    })
    clearTimeout(timer)
  }

  private async leave(): Promise<void> {
    const { connection } = this
    this.connection = undefined
    if (connection === undefined) return
    const action = `closing a producer of ${this.topic}`
    try {
      await connection.request('closeProducer', { producerId: this.id }, 'success', action)
    } catch (error) {
      // With the connection the producer is gone, too.
      if (connection.alive) this.settings.context.report(error)
    } finally {
      connection.removeProducer(this.id)
    }
  }
}
