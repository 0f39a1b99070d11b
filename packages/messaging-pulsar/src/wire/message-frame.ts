import { ByteReader, readUint32be } from './byte-reader.ts'
import { crc32c } from './crc32c.ts'
import { wireError } from './wire-error.ts'

const MAGIC_CHECKSUM = 0x0e01
const MAGIC_BROKER_ENTRY = 0x0e02

/** A MESSAGE command and where its parts stand in the frame. */
export interface MessageFrame {
  readonly consumerId: number
  readonly ledgerId: bigint
  readonly entryId: bigint
  readonly partition: number
  readonly redeliveryCount: number
  /** Which messages of the batch are still there: bit set; empty for all. */
  readonly ackSet: readonly bigint[]
  readonly epoch: number
}

/** Reads `BaseCommand` with a `CommandMessage` in it, from `start` to `end`. */
export function readMessageCommand(buffer: Buffer, start: number, end: number): MessageFrame {
  const reader = new ByteReader(buffer, start, end)
  let consumerId = -1
  let ledgerId = 0n
  let entryId = 0n
  let partition = -1
  let redeliveryCount = 0
  let ackSet: bigint[] | undefined
  let epoch = 0
  while (reader.position < end) {
    const outer = reader.varint()
    if (outer !== 0x4a) {
      reader.skip(outer & 7)
      continue
    }
    reader.end = reader.block()
    while (reader.position < reader.end) {
      const tag = reader.varint()
      if (tag === 0x08) consumerId = reader.varint()
      else if (tag === 0x12) {
        const rest = reader.end
        reader.end = reader.block()
        while (reader.position < reader.end) {
          const inner = reader.varint()
          if (inner === 0x08) ledgerId = reader.int64()
          else if (inner === 0x10) entryId = reader.int64()
          else if (inner === 0x18) partition = reader.int32()
          else reader.skip(inner & 7)
        }
        reader.end = rest
      } else if (tag === 0x18) redeliveryCount = reader.varint()
      else if (tag === 0x20) {
        ackSet ??= []
        ackSet.push(reader.int64())
      } else if (tag === 0x28) epoch = reader.varint()
      else reader.skip(tag & 7)
    }
    reader.end = end
  }
  if (consumerId < 0) throw wireError('a message without a consumer')
  return { consumerId, ledgerId, entryId, partition, redeliveryCount, ackSet: ackSet ?? [], epoch }
}

/** Where metadata and payload of an entry stand. */
export interface PayloadHead {
  readonly metadataStart: number
  readonly metadataEnd: number
  /** False: the bytes are not those that the producer wrote. */
  readonly intact: boolean
}

/** Reads what follows the command of a message frame: broker entry metadata, checksum, size of the metadata. */
export function readPayloadHead(buffer: Buffer, from: number, end: number): PayloadHead {
  let at = from
  const magic = () => (at + 6 <= end ? ((buffer[at] as number) << 8) | (buffer[at + 1] as number) : 0)
  if (magic() === MAGIC_BROKER_ENTRY) at += 6 + readUint32be(buffer, at + 2)
  let intact = true
  if (magic() === MAGIC_CHECKSUM) {
    const stated = readUint32be(buffer, at + 2)
    at += 6
    intact = crc32c(buffer.subarray(at, end)) === stated
  }
  if (at + 4 > end) throw wireError('a message without metadata')
  const metadataStart = at + 4
  const metadataEnd = metadataStart + readUint32be(buffer, at)
  if (metadataEnd > end) throw wireError('metadata that is larger than its frame')
  return { metadataStart, metadataEnd, intact }
}
