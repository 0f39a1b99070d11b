import type { OutgoingMessage } from '@pulsar-io/messaging'
import type { Properties } from '@pulsar-io/sdk'

/**
 * One lmdb value: the messages of (a part of) one `send`. Layout, little endian:
 *
 * | at | what |
 * |---|---|
 * | 0 | u8 layout version, u8 flags (1: holds one message that has the entry for itself), u16 0 |
 * | 4 | u32 number of messages |
 * | 8 | f64 publish time, milliseconds since 1970 |
 * | 16 | f64 bytes of all entries before this one |
 * | 24 | i32 index of the schema, -1 for none |
 * | 28 | u32 bytes of the producer name |
 * | 32 | producer name, then u32 end offset of each message, then the messages |
 *
 * A message is u8 flags (bits below), i64 sequence id, then what its flags announce, then the payload up to its end.
 */
const LAYOUT = 1
const SINGLE = 1
const HEADER = 32
const AT_PUBLISH_TIME = 8
const AT_BYTES_BEFORE = 16

const NULL_PAYLOAD = 1
const KEY = 2
const ORDERING_KEY = 4
const PROPERTIES = 8
const EVENT_TIME = 16
const KEY_IS_BASE64 = 32

const MESSAGE_HEADER = 9

/** A message together with the sequence id that it is stored under. */
export interface SequencedMessage {
  readonly message: OutgoingMessage
  readonly sequence: bigint
}

/** Bytes that a message takes inside an entry. */
export function encodedSize(message: OutgoingMessage): number {
  let size = 4 + MESSAGE_HEADER + (message.payload?.length ?? 0)
  if (message.eventTime !== undefined) size += 8
  if (message.key !== undefined) size += 4 + Buffer.byteLength(message.key)
  if (message.orderingKey !== undefined) size += 4 + Buffer.byteLength(message.orderingKey)
  if (message.properties !== undefined) {
    size += 4
    for (const name in message.properties) {
      size += 8 + Buffer.byteLength(name) + Buffer.byteLength(message.properties[name] ?? '')
    }
  }
  return size
}

/** Encodes messages `[from, to)`, whose sizes sum up to `size`. */
export function encodeEntry(
  messages: readonly SequencedMessage[],
  from: number,
  to: number,
  size: number,
  producer: string,
  schema: number,
): Buffer {
  const nameBytes = Buffer.byteLength(producer)
  const out = Buffer.allocUnsafeSlow(HEADER + nameBytes + size)
  out[0] = LAYOUT
  out[1] = to - from === 1 ? SINGLE : 0
  out.writeUInt16LE(0, 2)
  out.writeUInt32LE(to - from, 4)
  out.writeInt32LE(schema, 24)
  out.writeUInt32LE(nameBytes, 28)
  out.write(producer, HEADER)
  let index = HEADER + nameBytes
  let at = index + 4 * (to - from)
  for (let i = from; i < to; i += 1) {
    const { message, sequence } = messages[i] as SequencedMessage
    at = encodeMessage(out, at, message, sequence)
    index = out.writeUInt32LE(at, index)
  }
  return out
}

function encodeMessage(out: Buffer, start: number, message: OutgoingMessage, sequence: bigint): number {
  let flags = 0
  let at = out.writeBigInt64LE(sequence, start + 1)
  if (message.eventTime !== undefined) {
    flags |= EVENT_TIME
    at = out.writeDoubleLE(message.eventTime, at)
  }
  if (message.key !== undefined) {
    flags |= message.keyIsBase64 ? KEY | KEY_IS_BASE64 : KEY
    at = writeText(out, at, message.key)
  }
  if (message.orderingKey !== undefined) {
    flags |= ORDERING_KEY
    at = writeText(out, at, message.orderingKey)
  }
  if (message.properties !== undefined) {
    flags |= PROPERTIES
    const countAt = at
    let count = 0
    at += 4
    for (const name in message.properties) {
      at = writeText(out, writeText(out, at, name), message.properties[name] ?? '')
      count += 1
    }
    out.writeUInt32LE(count, countAt)
  }
  if (message.payload === null) flags |= NULL_PAYLOAD
  else {
    out.set(message.payload, at)
    at += message.payload.length
  }
  out[start] = flags
  return at
}

function writeText(out: Buffer, at: number, text: string): number {
  const bytes = out.write(text, at + 4)
  out.writeUInt32LE(bytes, at)
  return at + 4 + bytes
}

/** Writes what is known only when the entry's place in the topic is. */
export function stampEntry(entry: Buffer, publishTime: number, bytesBefore: number): void {
  entry.writeDoubleLE(publishTime, AT_PUBLISH_TIME)
  entry.writeDoubleLE(bytesBefore, AT_BYTES_BEFORE)
}

/** An entry that was read back. Messages are decoded when they are asked for. */
export class Entry {
  /** Ordinal of the first message, and the entry id of its position. */
  readonly base: number
  readonly count: number
  /** Whether the message has the entry for itself (batch index -1). */
  readonly single: boolean
  readonly bytes: Buffer
  readonly id: bigint
  private readonly index: number
  private name: string | undefined

  constructor(base: number, bytes: Buffer) {
    if (bytes[0] !== LAYOUT) throw new RangeError(`entry ${base} has layout ${bytes[0]}, expected ${LAYOUT}`)
    this.base = base
    this.bytes = bytes
    this.id = BigInt(base)
    this.single = ((bytes[1] as number) & SINGLE) !== 0
    this.count = bytes.readUInt32LE(4)
    this.index = HEADER + bytes.readUInt32LE(28)
  }

  /** Ordinal behind the last message. */
  get end(): number {
    return this.base + this.count
  }

  get publishTime(): number {
    return this.bytes.readDoubleLE(AT_PUBLISH_TIME)
  }

  get bytesBefore(): number {
    return this.bytes.readDoubleLE(AT_BYTES_BEFORE)
  }

  get schema(): number {
    return this.bytes.readInt32LE(24)
  }

  get producer(): string {
    this.name ??= this.bytes.toString('utf8', HEADER, this.index)
    return this.name
  }

  /** Stored bytes of message `i`. */
  size(i: number): number {
    return this.endOf(i) - this.startOf(i)
  }

  sequence(i: number): bigint {
    return this.bytes.readBigInt64LE(this.startOf(i) + 1)
  }

  eventTime(i: number): number | undefined {
    const start = this.startOf(i)
    return this.flags(start) & EVENT_TIME ? this.bytes.readDoubleLE(start + MESSAGE_HEADER) : undefined
  }

  key(i: number): string | undefined {
    const start = this.startOf(i)
    const flags = this.flags(start)
    return flags & KEY ? this.text(this.skip(start, flags, EVENT_TIME)) : undefined
  }

  keyIsBase64(i: number): boolean {
    return (this.flags(this.startOf(i)) & KEY_IS_BASE64) !== 0
  }

  orderingKey(i: number): string | undefined {
    const start = this.startOf(i)
    const flags = this.flags(start)
    return flags & ORDERING_KEY ? this.text(this.skip(start, flags, EVENT_TIME | KEY)) : undefined
  }

  properties(i: number): Properties {
    const start = this.startOf(i)
    const flags = this.flags(start)
    if (!(flags & PROPERTIES)) return NO_PROPERTIES
    let at = this.skip(start, flags, EVENT_TIME | KEY | ORDERING_KEY)
    const properties: { [name: string]: string } = {}
    const count = this.bytes.readUInt32LE(at)
    at += 4
    for (let n = 0; n < count; n += 1) {
      const name = this.text(at)
      at = this.afterText(at)
      properties[name] = this.text(at)
      at = this.afterText(at)
    }
    return properties
  }

  payload(i: number): Uint8Array | null {
    const start = this.startOf(i)
    const flags = this.flags(start)
    return flags & NULL_PAYLOAD ? null : this.bytes.subarray(this.skip(start, flags, ~0), this.endOf(i))
  }

  payloadSize(i: number): number {
    const start = this.startOf(i)
    const flags = this.flags(start)
    return flags & NULL_PAYLOAD ? 0 : this.endOf(i) - this.skip(start, flags, ~0)
  }

  private flags(start: number): number {
    return this.bytes[start] as number
  }

  private startOf(i: number): number {
    return i === 0 ? this.index + 4 * this.count : this.bytes.readUInt32LE(this.index + 4 * (i - 1))
  }

  private endOf(i: number): number {
    return this.bytes.readUInt32LE(this.index + 4 * i)
  }

  /** Where the message goes on behind the fields of `fields` that its flags announce. */
  private skip(start: number, flags: number, fields: number): number {
    const present = flags & fields
    let at = start + MESSAGE_HEADER
    if (present & EVENT_TIME) at += 8
    if (present & KEY) at = this.afterText(at)
    if (present & ORDERING_KEY) at = this.afterText(at)
    if (present & PROPERTIES) {
      const count = this.bytes.readUInt32LE(at)
      at += 4
      for (let n = 0; n < 2 * count; n += 1) at = this.afterText(at)
    }
    return at
  }

  private text(at: number): string {
    return this.bytes.toString('utf8', at + 4, this.afterText(at))
  }

  private afterText(at: number): number {
    return at + 4 + this.bytes.readUInt32LE(at)
  }
}

const NO_PROPERTIES: Properties = Object.freeze({})
