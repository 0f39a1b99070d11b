import type { TransactionId } from '../transaction/transaction-id.ts'
import { ByteWriter, putUint32be } from '../wire/byte-writer.ts'
import { SEND } from '../wire/commands.ts'
import { crc32c } from '../wire/crc32c.ts'
import { writeProperties } from '../wire/metadata.ts'
import type { PulsarOutgoingMessage } from './outgoing.ts'

/** What the head of an entry says. */
export interface EntryHead {
  readonly producerId: number
  readonly producerName: string
  readonly firstSequence: bigint
  readonly lastSequence: bigint
  /** Messages in the entry. */
  readonly count: number
  /** Whether the payload is a batch, be it one of a single message. */
  readonly batch: boolean
  /** The message that stands for the entry: itself, or one with the key that all of the batch have; undefined: none. */
  readonly message: PulsarOutgoingMessage | undefined
  readonly compression: number
  readonly uncompressedSize: number
  readonly schemaVersion: Uint8Array | undefined
  readonly transaction: TransactionId | undefined
  readonly chunk:
    | { readonly uuid: string; readonly id: number; readonly count: number; readonly size: number }
    | undefined
}

/**
 * Appends one message of a batch: the size of its metadata (4 bytes), `SingleMessageMetadata`, the payload.
 */
export function writeBatchMessage(writer: ByteWriter, message: PulsarOutgoingMessage, sequence: bigint): void {
  const { payload, properties, key, keyIsBase64, orderingKey, eventTime } = message
  writer.ensure(64)
  const start = writer.position
  writer.position = start + 4
  if (properties !== undefined) writeProperties(writer, 0x0a, properties)
  if (key !== undefined) {
    writer.varint(0x12)
    writer.text(key)
  }
  const size = payload === null ? 0 : payload.length
  writer.varint(0x18)
  writer.varint(size)
  if (eventTime !== undefined) {
    writer.varint(0x28)
    writer.varint(eventTime)
  }
  if (keyIsBase64) {
    writer.varint(0x30)
    writer.varint(1)
  }
  if (orderingKey !== undefined) {
    writer.varint(0x3a)
    writer.text(orderingKey)
  }
  writer.varint(0x40)
  writer.varint64(sequence)
  if (payload === null) {
    writer.varint(0x48)
    writer.varint(1)
  }
  putUint32be(writer.buffer, start, writer.position - start - 4)
  if (payload !== null) writer.bytes(payload)
}

/**
 * Everything of a SEND frame in front of its payload: sizes, `CommandSend`, 0x0e01, CRC32C over what follows, size of
 * the metadata, `MessageMetadata`.
 */
export function encodeSendHead(head: EntryHead, payload: Uint8Array): Buffer {
  const writer = new ByteWriter(192 + head.producerName.length)
  writer.position = 8
  writeSendCommand(writer, head)
  putUint32be(writer.buffer, 4, writer.position - 8)
  writer.ensure(10)
  writer.buffer[writer.position] = 0x0e
  writer.buffer[writer.position + 1] = 0x01
  const checksumAt = writer.position + 2
  writer.position += 10
  const metadataStart = writer.position
  writeMetadata(writer, head)
  const { buffer, position } = writer
  putUint32be(buffer, metadataStart - 4, position - metadataStart)
  putUint32be(buffer, checksumAt, crc32c(payload, crc32c(buffer.subarray(metadataStart - 4, position))))
  putUint32be(buffer, 0, position - 4 + payload.length)
  return writer.written()
}

function writeSendCommand(writer: ByteWriter, head: EntryHead): void {
  const { transaction } = head
  const body = new ByteWriter(96)
  body.varint(0x08)
  body.varint(head.producerId)
  body.varint(0x10)
  body.varint64(head.firstSequence)
  if (head.batch) {
    body.varint(0x18)
    body.varint(head.count)
  }
  if (transaction !== undefined) {
    body.varint(0x20)
    body.varint64(transaction.leastBits)
    body.varint(0x28)
    body.varint64(transaction.mostBits)
  }
  if (head.count > 1) {
    body.varint(0x30)
    body.varint64(head.lastSequence)
  }
  if (head.chunk !== undefined) {
    body.varint(0x38)
    body.varint(1)
  }
  writer.varint(0x08)
  writer.varint(SEND)
  writer.varint((SEND << 3) | 2)
  writer.varint(body.position)
  writer.bytes(body.written())
}

function writeMetadata(writer: ByteWriter, head: EntryHead): void {
  const { message, schemaVersion, transaction, chunk } = head
  writer.varint(0x0a)
  writer.text(head.producerName)
  writer.varint(0x10)
  writer.varint64(head.firstSequence)
  writer.varint(0x18)
  writer.varint(Date.now())
  if (!head.batch && message?.properties !== undefined) writeProperties(writer, 0x22, message.properties)
  if (message?.key !== undefined) {
    writer.varint(0x32)
    writer.text(message.key)
  }
  if (head.compression !== 0) {
    writer.varint(0x40)
    writer.varint(head.compression)
  }
  if (head.compression !== 0 || head.batch) {
    writer.varint(0x48)
    writer.varint(head.uncompressedSize)
  }
  if (head.batch) {
    writer.varint(0x58)
    writer.varint(head.count)
  }
  if (!head.batch && message?.eventTime !== undefined) {
    writer.varint(0x60)
    writer.varint(message.eventTime)
  }
  if (schemaVersion !== undefined) {
    writer.varint(0x82)
    writer.varint(schemaVersion.length)
    writer.bytes(schemaVersion)
  }
  if (message?.keyIsBase64) {
    writer.varint(0x88)
    writer.varint(1)
  }
  if (message?.orderingKey !== undefined) {
    writer.varint(0x92)
    writer.text(message.orderingKey)
  }
  if (message?.deliverAt !== undefined) {
    writer.varint(0x98)
    writer.varint(message.deliverAt)
  }
  if (transaction !== undefined) {
    writer.varint(0xb0)
    writer.varint64(transaction.leastBits)
    writer.varint(0xb8)
    writer.varint64(transaction.mostBits)
  }
  if (head.count > 1) {
    writer.varint(0xc0)
    writer.varint64(head.lastSequence)
  }
  if (!head.batch && message?.payload === null) {
    writer.varint(0xc8)
    writer.varint(1)
  }
  if (chunk !== undefined) {
    writer.varint(0xd2)
    writer.text(chunk.uuid)
    writer.varint(0xd8)
    writer.varint(chunk.count)
    writer.varint(0xe0)
    writer.varint(chunk.size)
    writer.varint(0xe8)
    writer.varint(chunk.id)
  }
}
