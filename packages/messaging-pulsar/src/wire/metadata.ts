import type { Properties } from '@pulsar-io/sdk'
import type { ByteReader } from './byte-reader.ts'
import { type ByteWriter, varintSize } from './byte-writer.ts'

/** `MessageMetadata`: what is said of an entry, which is one message or a batch of them. */
export interface EntryMetadata {
  readonly producerName: string
  /** Of a batch, that of its first message. */
  readonly sequenceId: bigint
  readonly publishTime: number
  readonly properties: Properties
  readonly key: string | undefined
  readonly keyIsBase64: boolean
  readonly orderingKey: string | undefined
  /** Number of a `CompressionType`. */
  readonly compression: number
  readonly uncompressedSize: number
  /** undefined for an entry that is one message. */
  readonly messagesInBatch: number | undefined
  readonly eventTime: number
  readonly encrypted: boolean
  readonly schemaVersion: Uint8Array | undefined
  /** Set on what the broker writes for itself. */
  readonly markerType: number | undefined
  readonly nullValue: boolean
  readonly uuid: string | undefined
  readonly chunkId: number
  readonly chunks: number
  readonly chunkedSize: number
}

const NO_PROPERTIES: Properties = Object.freeze({})

/** Reads `MessageMetadata` up to the reader's end. */
export function readEntryMetadata(reader: ByteReader): EntryMetadata {
  let producerName = ''
  let sequenceId = 0n
  let publishTime = 0
  let properties: { [name: string]: string } | undefined
  let key: string | undefined
  let keyIsBase64 = false
  let orderingKey: string | undefined
  let compression = 0
  let uncompressedSize = 0
  let messagesInBatch: number | undefined
  let eventTime = 0
  let encrypted = false
  let schemaVersion: Uint8Array | undefined
  let markerType: number | undefined
  let nullValue = false
  let uuid: string | undefined
  let chunkId = -1
  let chunks = 0
  let chunkedSize = 0
  while (reader.position < reader.end) {
    const tag = reader.varint()
    switch (tag) {
      case 0x0a:
        producerName = reader.text()
        break
      case 0x10:
        sequenceId = reader.uint64()
        break
      case 0x18:
        publishTime = reader.varint()
        break
      case 0x22:
        properties ??= {}
        readProperty(reader, properties)
        break
      case 0x32:
        key = reader.text()
        break
      case 0x40:
        compression = reader.varint()
        break
      case 0x48:
        uncompressedSize = reader.varint()
        break
      case 0x58:
        messagesInBatch = reader.varint()
        break
      case 0x60:
        eventTime = reader.varint()
        break
      case 0x6a:
        encrypted = true
        reader.skip(2)
        break
      case 0x82:
        schemaVersion = new Uint8Array(reader.bytes())
        break
      case 0x88:
        keyIsBase64 = reader.varint() !== 0
        break
      case 0x92:
        orderingKey = reader.text()
        break
      case 0xa0:
        markerType = reader.varint()
        break
      case 0xc8:
        nullValue = reader.varint() !== 0
        break
      case 0xd2:
        uuid = reader.text()
        break
      case 0xd8:
        chunks = reader.varint()
        break
      case 0xe0:
        chunkedSize = reader.varint()
        break
      case 0xe8:
        chunkId = reader.varint()
        break
      default:
        reader.skip(tag & 7)
    }
  }
  return {
    producerName,
    sequenceId,
    publishTime,
    properties: properties ?? NO_PROPERTIES,
    key,
    keyIsBase64,
    orderingKey,
    compression,
    uncompressedSize,
    messagesInBatch,
    eventTime,
    encrypted,
    schemaVersion,
    markerType,
    nullValue,
    uuid,
    chunkId,
    chunks,
    chunkedSize,
  }
}

/** What `SingleMessageMetadata` says of one message of a batch. */
export interface SingleMetadata {
  readonly properties: Properties
  readonly key: string | undefined
  readonly keyIsBase64: boolean
  readonly orderingKey: string | undefined
  readonly eventTime: number
  readonly sequenceId: bigint | undefined
}

/** Reads `SingleMessageMetadata` up to the reader's end. */
export function readSingleMetadata(reader: ByteReader): SingleMetadata {
  let properties: { [name: string]: string } | undefined
  let key: string | undefined
  let keyIsBase64 = false
  let orderingKey: string | undefined
  let eventTime = 0
  let sequenceId: bigint | undefined
  while (reader.position < reader.end) {
    const tag = reader.varint()
    switch (tag) {
      case 0x0a:
        properties ??= {}
        readProperty(reader, properties)
        break
      case 0x12:
        key = reader.text()
        break
      case 0x28:
        eventTime = reader.varint()
        break
      case 0x30:
        keyIsBase64 = reader.varint() !== 0
        break
      case 0x3a:
        orderingKey = reader.text()
        break
      case 0x40:
        sequenceId = reader.uint64()
        break
      default:
        reader.skip(tag & 7)
    }
  }
  return { properties: properties ?? NO_PROPERTIES, key, keyIsBase64, orderingKey, eventTime, sequenceId }
}

/** What has to be known of each message of a batch before anybody asks for the rest. */
export interface SingleShape {
  payloadSize: number
  nullValue: boolean
  /** Taken out by compaction: no message any more. */
  compactedOut: boolean
}

/** Reads only the shape out of `SingleMessageMetadata`, into an object that is used over and over. */
export function readSingleShape(reader: ByteReader, shape: SingleShape): void {
  shape.payloadSize = 0
  shape.nullValue = false
  shape.compactedOut = false
  while (reader.position < reader.end) {
    const tag = reader.varint()
    if (tag === 0x18) shape.payloadSize = reader.varint()
    else if (tag === 0x20) shape.compactedOut = reader.varint() !== 0
    else if (tag === 0x48) shape.nullValue = reader.varint() !== 0
    else reader.skip(tag & 7)
  }
}

function readProperty(reader: ByteReader, into: { [name: string]: string }): void {
  const { end } = reader
  reader.end = reader.block()
  let name = ''
  let value = ''
  while (reader.position < reader.end) {
    const tag = reader.varint()
    if (tag === 0x0a) name = reader.text()
    else if (tag === 0x12) value = reader.text()
    else reader.skip(tag & 7)
  }
  reader.end = end
  // A property may be called __proto__.
  if (name === '__proto__') Object.defineProperty(into, name, { value, enumerable: true, configurable: true })
  else into[name] = value
}

/** Writes properties as repeated `KeyValue` under a field's tag. */
export function writeProperties(writer: ByteWriter, tag: number, properties: Properties): void {
  for (const name in properties) {
    const value = properties[name]
    if (value === undefined) continue
    const nameBytes = Buffer.byteLength(name)
    const valueBytes = Buffer.byteLength(value)
    writer.varint(tag)
    writer.varint(2 + varintSize(nameBytes) + nameBytes + varintSize(valueBytes) + valueBytes)
    writer.varint(0x0a)
    writer.text(name)
    writer.varint(0x12)
    writer.text(value)
  }
}
