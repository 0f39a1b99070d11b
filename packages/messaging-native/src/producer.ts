import type { OutgoingMessage, Producer } from '@pulsar-io/messaging'
import type { Position } from '@pulsar-io/sdk'
import type { AddonOutgoing, AddonProducer } from './addon.ts'
import { closedError, namedError, uncarriedError, unsupportedError, usageError } from './errors.ts'
import { parseMessageId } from './message-id.ts'

/** Bounds of what is on its way. */
export interface ProducerBounds {
  readonly maxPendingMessages: number
  readonly maxPendingBytes: number
}

/** A message of this size may be refused by itself, so nothing may be on its way beside it. */
const ALONE_BYTES = 1024 * 1024

/** One `send`. */
interface Call {
  readonly messages: readonly AddonOutgoing[]
  readonly positions: (Position | null)[]
  next: number
  confirmed: number
  readonly resolve: (positions: readonly (Position | null)[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * A producer over the addon, which takes one message at a time. Waiting for room happens here: the addon would block
 * the event loop or refuse.
 */
export class NativeProducer implements Producer {
  readonly topic: string
  readonly name: string
  private readonly addon: AddonProducer
  private readonly bounds: ProducerBounds
  private readonly onClose: () => void
  /** In their order; the first may be on its way, and so may others behind it. */
  private readonly calls: Call[] = []
  private pendingMessages = 0
  private pendingBytes = 0
  private alone = false
  /** After a failure nothing goes until all that is on its way is settled, so that nothing overtakes. */
  private draining = false
  private sequenced: boolean | undefined
  private last = -1n
  private closing: Promise<void> | undefined

  constructor(topic: string, addon: AddonProducer, bounds: ProducerBounds, onClose: () => void) {
    this.topic = topic
    this.name = addon.getProducerName()
    this.addon = addon
    this.bounds = bounds
    this.onClose = onClose
  }

  /** The last one that this producer was given and that was confirmed: the addon tells nothing of earlier ones. */
  get lastSequenceId(): bigint {
    return this.last
  }

  async send(messages: readonly OutgoingMessage[]): Promise<readonly (Position | null)[]> {
    if (this.closing !== undefined) throw closedError(`the producer of ${this.topic}`)
    if (messages.length === 0) return []
    const sequenced = this.checkSequence(messages)
    const outgoing = messages.map(message => this.convert(message))
    this.sequenced = sequenced
    const positions = await new Promise<readonly (Position | null)[]>((resolve, reject) => {
      this.calls.push({ messages: outgoing, positions: [], next: 0, confirmed: 0, resolve, reject })
      this.pump()
    })
    const id = messages.at(-1)?.sequenceId
    if (id !== undefined && id > this.last) this.last = id
    return positions
  }

  close(): Promise<void> {
    this.closing ??= this.closeAddon()
    return this.closing
  }

  private async closeAddon(): Promise<void> {
    this.onClose()
    try {
      await this.addon.close()
    } catch (error) {
      const named = namedError(error, { action: `closing the producer of ${this.topic}` })
      // The broker took its place away before: it is closed.
      if (named.code !== 'PIO_CLOSED') throw named
    } finally {
      for (const call of this.calls.splice(0)) call.reject(closedError(`the producer of ${this.topic}`))
    }
  }

  private checkSequence(messages: readonly OutgoingMessage[]): boolean {
    const given = messages.filter(({ sequenceId }) => sequenceId !== undefined).length
    const sequenced = given > 0
    if ((sequenced && given < messages.length) || (this.sequenced ?? sequenced) !== sequenced) {
      throw usageError(
        `a producer of ${this.topic} is given sequence ids with all messages or with none, not with some of them`,
      )
    }
    return sequenced
  }

  private convert(message: OutgoingMessage): AddonOutgoing {
    const { payload, key, orderingKey, properties, eventTime, sequenceId } = message
    if (payload === null) throw uncarriedError(this.topic, 'has no value, and the addon can only send an empty one')
    if (message.keyIsBase64 === true)
      throw uncarriedError(this.topic, 'has a key of bytes, and keys are text for the addon')
    if (sequenceId !== undefined && (sequenceId < 0n || sequenceId > BigInt(Number.MAX_SAFE_INTEGER))) {
      throw unsupportedError(
        `the sequence id ${sequenceId} of a message to ${this.topic} is outside 0 to ${Number.MAX_SAFE_INTEGER}, and the addon takes no others`,
      )
    }
    return {
      data: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
      ...(key === undefined ? {} : { partitionKey: key }),
      ...(orderingKey === undefined ? {} : { orderingKey }),
      ...(properties === undefined ? {} : { properties: { ...properties } }),
      ...(eventTime === undefined ? {} : { eventTimestamp: eventTime }),
      ...(sequenceId === undefined ? {} : { sequenceId: Number(sequenceId) }),
    }
  }

  private pump(): void {
    for (const call of this.calls) {
      while (call.next < call.messages.length) {
        const message = call.messages[call.next] as AddonOutgoing
        if (!this.hasRoomFor(message.data.length)) return
        this.start(call, message)
      }
    }
  }

  private hasRoomFor(bytes: number): boolean {
    if (this.draining || this.alone) return false
    if (this.pendingMessages === 0) return true
    if (bytes >= ALONE_BYTES) return false
    const { maxPendingMessages, maxPendingBytes } = this.bounds
    return this.pendingMessages < maxPendingMessages && this.pendingBytes + bytes <= maxPendingBytes
  }

  private start(call: Call, message: AddonOutgoing): void {
    const at = call.next++
    const bytes = message.data.length
    this.alone = bytes >= ALONE_BYTES
    this.pendingMessages += 1
    this.pendingBytes += bytes
    const over = () => {
      this.alone = false
      this.pendingMessages -= 1
      this.pendingBytes -= bytes
      if (this.pendingMessages === 0) this.draining = false
    }
    this.addon
      .send(message)
      .then(id => parseMessageId(id.serialize()).position)
      .then(
        position => {
          over()
          // Of a duplicate the broker confirms that there is nothing.
          this.confirm(call, at, position.ledgerId < 0n ? null : position)
        },
        error => {
          over()
          this.fail(call, namedError(error, { action: `cannot send to ${this.topic}`, open: true }))
        },
      )
      .finally(() => this.pump())
  }

  private confirm(call: Call, at: number, position: Position | null): void {
    call.positions[at] = position
    call.confirmed += 1
    if (call.confirmed < call.messages.length) return
    const index = this.calls.indexOf(call)
    if (index >= 0) this.calls.splice(index, 1)
    call.resolve(call.positions)
  }

  /** Takes everything behind along. */
  private fail(call: Call, error: unknown): void {
    const index = this.calls.indexOf(call)
    // Rejected before, with one in front of it or with an earlier message of its own.
    if (index < 0) return
    this.draining = this.pendingMessages > 0
    for (const failed of this.calls.splice(index)) failed.reject(error)
  }
}
