import { type CompressionType, randomId } from '@pulsar-io/messaging'
import { tooLargeError } from '../errors.ts'
import { ByteWriter } from '../wire/byte-writer.ts'
import { COMPRESSION_TYPES, compress } from '../wire/compression.ts'
import type { BufferPool } from './buffer-pool.ts'
import { type EntryHead, encodeSendHead, writeBatchMessage } from './encode.ts'
import type { Cut } from './outbox.ts'
import type { PulsarOutgoingMessage } from './outgoing.ts'
import type { PendingEntry } from './pending.ts'

/** What all entries of a producer have in common. */
export interface EntryMakerSettings {
  readonly topic: string
  readonly compression: CompressionType
  readonly chunking: boolean
  readonly byKey: boolean
  readonly buffers: BufferPool
}

/** Metadata is part of what a broker counts as the size of a message. */
const METADATA_ROOM = 4096

/** What changes with each registration at a broker. */
export interface Registration {
  readonly producerId: number
  readonly producerName: string
  readonly schemaVersion: Uint8Array | undefined
  readonly maxMessageSize: number
}

/** Makes entries, ready to be written, out of messages. */
export class EntryMaker {
  private readonly settings: EntryMakerSettings
  private readonly compressionNumber: number

  constructor(settings: EntryMakerSettings) {
    this.settings = settings
    this.compressionNumber = COMPRESSION_TYPES.indexOf(settings.compression)
  }

  /**
   * The entries for a cut: one, or several chunks of a large message. `sequenceOf` is asked for each message in order.
   * Throws `PIO_MESSAGE_TOO_LARGE`.
   */
  make(
    cut: Cut,
    sequenceOf: (message: PulsarOutgoingMessage) => bigint,
    registration: Registration,
  ): readonly PendingEntry[] {
    const first = cut.segments[0]
    const only = cut.count === 1 ? first?.messages[first.from] : undefined
    return only === undefined
      ? [this.makeBatch(cut, sequenceOf, registration)]
      : this.makeSingle(cut, only, sequenceOf(only), registration)
  }

  private makeBatch(
    cut: Cut,
    sequenceOf: (message: PulsarOutgoingMessage) => bigint,
    registration: Registration,
  ): PendingEntry {
    const { buffers, compression, topic, byKey } = this.settings
    const pooled = buffers.take(cut.bytes)
    const writer = new ByteWriter(pooled)
    let firstSequence: bigint | undefined
    let lastSequence = 0n
    for (const { messages, from, to } of cut.segments) {
      for (let i = from; i < to; i += 1) {
        const message = messages[i] as PulsarOutgoingMessage
        lastSequence = sequenceOf(message)
        firstSequence ??= lastSequence
        writeBatchMessage(writer, message, lastSequence)
      }
    }
    const body = writer.written()
    const payload = compress(compression, body)
    if (payload.length > registration.maxMessageSize - METADATA_ROOM) {
      throw tooLargeError(topic, payload.length, registration.maxMessageSize)
    }
    const keeps = writer.buffer === pooled && payload === body
    if (writer.buffer === pooled && !keeps) buffers.give(pooled)
    const segment = cut.segments[0]
    return this.entry(cut, payload, keeps ? pooled : undefined, registration, {
      firstSequence: firstSequence ?? 0n,
      lastSequence,
      batch: true,
      message: byKey ? keyOnly(segment?.messages[segment.from]) : undefined,
      uncompressedSize: body.length,
      chunk: undefined,
    })
  }

  private makeSingle(
    cut: Cut,
    message: PulsarOutgoingMessage,
    sequence: bigint,
    registration: Registration,
  ): readonly PendingEntry[] {
    const { compression, chunking, topic } = this.settings
    const body = message.payload ?? new Uint8Array()
    // Clients in C++ lose an empty message that is compressed with ZLIB.
    const payload = body.length === 0 ? body : compress(compression, body)
    const room = registration.maxMessageSize - METADATA_ROOM
    const shared = {
      firstSequence: sequence,
      lastSequence: sequence,
      batch: false,
      message,
      uncompressedSize: body.length,
    }
    if (payload.length <= room)
      return [this.entry(cut, payload, undefined, registration, { ...shared, chunk: undefined })]
    if (!chunking) throw tooLargeError(topic, payload.length, registration.maxMessageSize)
    const count = Math.ceil(payload.length / room)
    const uuid = randomId()
    return Array.from({ length: count }, (_, id) =>
      this.entry(cut, payload.subarray(id * room, (id + 1) * room), undefined, registration, {
        ...shared,
        chunk: { uuid, id, count, size: payload.length },
      }),
    )
  }

  private entry(
    cut: Cut,
    payload: Uint8Array,
    pooled: Buffer | undefined,
    registration: Registration,
    rest: Pick<EntryHead, 'firstSequence' | 'lastSequence' | 'batch' | 'message' | 'uncompressedSize' | 'chunk'>,
  ): PendingEntry {
    const head = encodeSendHead(
      {
        ...rest,
        producerId: registration.producerId,
        producerName: registration.producerName,
        count: cut.count,
        compression: rest.uncompressedSize === 0 ? 0 : this.compressionNumber,
        schemaVersion: registration.schemaVersion,
        transaction: cut.transaction,
      },
      payload,
    )
    const { chunk } = rest
    return {
      sequence: rest.firstSequence,
      lastSequence: rest.lastSequence,
      count: cut.count,
      bytes: head.length + payload.length,
      segments: cut.segments,
      batch: rest.batch,
      partial: chunk !== undefined && chunk.id < chunk.count - 1,
      head,
      payload,
      pooled,
      since: performance.now(),
    }
  }
}

/** Of the first message of a batch only what holds for all of them. */
function keyOnly(message: PulsarOutgoingMessage | undefined): PulsarOutgoingMessage | undefined {
  if (message === undefined || (message.key === undefined && message.orderingKey === undefined)) return undefined
  return {
    payload: null,
    key: message.key,
    keyIsBase64: message.keyIsBase64,
    orderingKey: message.orderingKey,
  }
}
