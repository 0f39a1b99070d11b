import type { Position } from '@pulsar-io/sdk'

/** A message id of the addon in numbers. */
export interface MessageIdParts {
  readonly position: Position
  /** -1 for a topic without partitions. */
  readonly partition: number
}

/** `MessageIdData` of Pulsar's `PulsarApi.proto`: numbers of the fields, all of wire type 0. */
const LEDGER = 1
const ENTRY = 2
const PARTITION = 3
const BATCH_INDEX = 4

const WIRE_VARINT = 0
const WIRE_64 = 1
const WIRE_BYTES = 2
const WIRE_32 = 5

/**
 * Reads what `serialize()` gives. The addon's own text form would do as well, were it not of 64-bit numbers that the
 * addon prints with a sign of its own making.
 *
 * @throws RangeError for bytes that are no message id.
 */
export function parseMessageId(bytes: Uint8Array): MessageIdParts {
  let [ledgerId, entryId]: [bigint | undefined, bigint | undefined] = [undefined, undefined]
  let [partition, batchIndex] = [-1, -1]
  const reader = new VarintReader(bytes)
  while (!reader.ended) {
    const tag = Number(reader.next())
    const wireType = tag & 7
    if (wireType !== WIRE_VARINT) {
      reader.skip(wireType)
      continue
    }
    const value = reader.next()
    switch (tag >>> 3) {
      case LEDGER:
        ledgerId = BigInt.asIntN(64, value)
        break
      case ENTRY:
        entryId = BigInt.asIntN(64, value)
        break
      case PARTITION:
        partition = Number(BigInt.asIntN(32, value))
        break
      case BATCH_INDEX:
        batchIndex = Number(BigInt.asIntN(32, value))
        break
      // Others, such as the size of the batch, say nothing about the place.
    }
  }
  if (ledgerId === undefined || entryId === undefined) throw noMessageId(bytes)
  return { position: { ledgerId, entryId, batchIndex }, partition }
}

/** The reverse of {@link parseMessageId}. */
export function formatMessageId({ position, partition }: MessageIdParts): Buffer {
  const bytes: number[] = []
  const field = (number: number, value: bigint) => {
    bytes.push((number << 3) | WIRE_VARINT)
    // As protobuf writes negative numbers of any width: ten bytes of two's complement.
    let rest = BigInt.asUintN(64, value)
    while (rest > 0x7fn) {
      bytes.push(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    bytes.push(Number(rest))
  }
  field(LEDGER, position.ledgerId)
  field(ENTRY, position.entryId)
  if (partition !== -1) field(PARTITION, BigInt(partition))
  if (position.batchIndex !== -1) field(BATCH_INDEX, BigInt(position.batchIndex))
  return Buffer.from(bytes)
}

class VarintReader {
  private readonly bytes: Uint8Array
  private at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get ended(): boolean {
    return this.at >= this.bytes.length
  }

  next(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) throw noMessageId(this.bytes)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw noMessageId(this.bytes)
  }

  skip(wireType: number): void {
    const width = this.widthOf(wireType)
    this.at += width
    if (this.at > this.bytes.length) throw noMessageId(this.bytes)
  }

  private widthOf(wireType: number): number {
    if (wireType === WIRE_64) return 8
    if (wireType === WIRE_32) return 4
    if (wireType === WIRE_BYTES) return Number(this.next())
    throw noMessageId(this.bytes)
  }
}

function noMessageId(bytes: Uint8Array): RangeError {
  return new RangeError(`not a message id: ${Buffer.from(bytes).toString('hex')}`)
}
