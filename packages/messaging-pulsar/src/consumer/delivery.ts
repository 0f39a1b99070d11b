import type { SchemaInfo } from '@pulsar-io/sdk'
import { ByteReader, readUint32be } from '../wire/byte-reader.ts'
import type { EntryMetadata, SingleShape } from '../wire/metadata.ts'
import { readSingleShape } from '../wire/metadata.ts'
import { wireError } from '../wire/wire-error.ts'
import { type EntryState, HELD, OPEN } from './entry-state.ts'
import { PulsarMessage } from './message.ts'

/** What a message has to know of where it came from. */
export interface DeliverySource {
  /** Full name without the partition suffix. */
  readonly topic: string
  readonly partitionTopic: string
  readonly partition: number
  readonly subscription: string
}

const shape: SingleShape = { payloadSize: 0, nullValue: false, compactedOut: false }

/** An entry as it came in: hands out its messages one after the other, reading no more of them than it has to. */
export class Delivery {
  readonly source: DeliverySource
  readonly state: EntryState
  readonly metadata: EntryMetadata
  readonly redeliveryCount: number
  /** undefined with `schemaReady` false: it is being fetched. */
  schema: SchemaInfo | undefined
  schemaReady = true
  /** Holds the payload, decompressed. */
  buffer: Buffer
  /** Messages that were counted against the permits of the consumer and are not handed out yet. */
  left: number
  private readonly batch: boolean
  private readonly end: number
  private readonly reader: ByteReader
  private index = 0

  constructor(
    source: DeliverySource,
    state: EntryState,
    metadata: EntryMetadata,
    redeliveryCount: number,
    payload: { readonly buffer: Buffer; readonly start: number; readonly end: number },
  ) {
    this.source = source
    this.state = state
    this.metadata = metadata
    this.redeliveryCount = redeliveryCount
    this.buffer = payload.buffer
    this.end = payload.end
    this.batch = metadata.messagesInBatch !== undefined
    this.left = state.states.length
    this.reader = new ByteReader(payload.buffer, payload.start, payload.end)
  }

  get done(): boolean {
    return this.index >= this.state.states.length
  }

  /**
   * Appends messages to `into`, at most so many and so many bytes, but one if there is any and `into` is empty. Returns
   * the bytes. Throws `PIO_PULSAR_PROTOCOL` for a batch that is broken.
   */
  take(into: PulsarMessage[], maxMessages: number, maxBytes: number): number {
    const { state, reader, end } = this
    const { states } = state
    let bytes = 0
    let room = maxMessages
    while (room > 0 && this.index < states.length) {
      const { index } = this
      const start = reader.position
      let metadataStart = -1
      let payloadStart = start
      let payloadEnd = end
      let gone = states[index] !== OPEN
      let nullValue = this.metadata.nullValue
      if (this.batch) {
        if (start + 4 > end) throw wireError('a batch that holds fewer messages than it says')
        metadataStart = start + 4
        payloadStart = metadataStart + readUint32be(this.buffer, start)
        if (payloadStart > end) throw wireError('a batch that ends in the middle of a message')
        reader.position = metadataStart
        reader.end = payloadStart
        readSingleShape(reader, shape)
        reader.end = end
        payloadEnd = payloadStart + shape.payloadSize
        if (payloadEnd > end) throw wireError('a batch that ends in the middle of a message')
        nullValue = shape.nullValue
        if (shape.compactedOut && !gone) {
          // No message any more, so nobody will acknowledge it.
          state.acknowledge(index)
          gone = true
        }
      }
      const size = payloadEnd - payloadStart
      if (!gone && bytes + size > maxBytes && into.length > 0) {
        reader.position = start
        break
      }
      reader.position = payloadEnd
      this.index = index + 1
      this.left -= 1
      if (gone) continue
      states[index] = HELD
      state.held += 1
      into.push(
        new PulsarMessage(this, this.batch ? index : -1, metadataStart, payloadStart, nullValue ? -1 : payloadEnd),
      )
      bytes += size
      room -= 1
    }
    return bytes
  }
}
