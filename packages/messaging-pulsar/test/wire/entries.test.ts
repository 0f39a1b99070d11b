import type { CompressionType } from '@pulsar-io/messaging'
import { describe, expect, it } from 'vitest'
import { Delivery } from '../../src/consumer/delivery.ts'
import { EntryState } from '../../src/consumer/entry-state.ts'
import type { PulsarMessage } from '../../src/consumer/message.ts'
import { BufferPool } from '../../src/producer/buffer-pool.ts'
import { EntryMaker } from '../../src/producer/entry-maker.ts'
import { Outbox } from '../../src/producer/outbox.ts'
import type { PulsarOutgoingMessage } from '../../src/producer/outgoing.ts'
import { SendCall } from '../../src/producer/send-call.ts'
import { ByteReader } from '../../src/wire/byte-reader.ts'
import { decompress } from '../../src/wire/compression.ts'
import { readPayloadHead } from '../../src/wire/message-frame.ts'
import { readEntryMetadata } from '../../src/wire/metadata.ts'

const registration = {
  producerId: 3,
  producerName: 'p',
  schemaVersion: new Uint8Array([1, 2]),
  maxMessageSize: 100_000,
}
const source = { topic: 't', partitionTopic: 't', partition: 0, subscription: 's' }

function makeEntries(
  messages: readonly PulsarOutgoingMessage[],
  compression: CompressionType = 'NONE',
  chunking = false,
) {
  const outbox = new Outbox()
  outbox.add(new SendCall(messages.length, undefined), messages, undefined)
  const cut = outbox.cut({ maxMessages: 100, maxBytes: 1e6, byKey: false }, () => true)
  const settings = { topic: 't', compression, chunking, byKey: false, buffers: new BufferPool() }
  return new EntryMaker(settings).make(cut, message => message.sequenceId ?? 0n, registration)
}

/** What a consumer would get of an entry. */
function receive(
  entry: { readonly head: Buffer; readonly payload: Uint8Array },
  compression: CompressionType = 'NONE',
) {
  const frame = Buffer.concat([entry.head, entry.payload])
  expect(frame.readUInt32BE(0)).toBe(frame.length - 4)
  const head = readPayloadHead(frame, 8 + frame.readUInt32BE(4), frame.length)
  const metadata = readEntryMetadata(new ByteReader(frame, head.metadataStart, head.metadataEnd))
  const payload = decompress(
    compression,
    frame.subarray(head.metadataEnd),
    metadata.uncompressedSize || entry.payload.length,
  )
  const state = new EntryState(1n, 2n, metadata.messagesInBatch ?? 1, 0)
  const buffer = Buffer.from(payload)
  const delivery = new Delivery(source, state, metadata, 0, { buffer, start: 0, end: buffer.length })
  return { head, metadata, state, delivery }
}

const take = (delivery: Delivery, maxMessages = 100, maxBytes = 1e6): PulsarMessage[] => {
  const messages: PulsarMessage[] = []
  delivery.take(messages, maxMessages, maxBytes)
  return messages
}

const some: readonly PulsarOutgoingMessage[] = [
  { payload: Buffer.from('a'), sequenceId: 7n },
  { payload: null, key: 'gone', sequenceId: 8n },
  { payload: new Uint8Array(), key: 'empty', sequenceId: 2n ** 60n },
  {
    payload: Buffer.from('full'),
    key: 'AAA=',
    keyIsBase64: true,
    orderingKey: 'ö',
    properties: { __proto__x: '1', ü: 'é'.repeat(100), '': '' },
    eventTime: 1_700_000_000_123,
    sequenceId: 2n ** 60n + 1n,
  },
]

describe('entries', () => {
  it.each(['NONE', 'LZ4', 'ZLIB', 'ZSTD', 'SNAPPY'] as const)('carry a batch unchanged (%s)', compression => {
    const [entry] = makeEntries(some, compression)
    const { head, metadata, delivery } = receive(entry as NonNullable<typeof entry>, compression)
    expect(head.intact).toBe(true)
    expect(metadata).toMatchObject({ producerName: 'p', sequenceId: 7n, messagesInBatch: 4 })
    expect([...(metadata.schemaVersion ?? [])]).toEqual([1, 2])
    const messages = take(delivery)
    expect(messages.map(message => message.position.batchIndex)).toEqual([0, 1, 2, 3])
    messages.forEach((message, i) => {
      const { payload, keyIsBase64, ...rest } = some[i] as PulsarOutgoingMessage
      expect(message.payload === null ? null : Buffer.from(message.payload)).toEqual(
        payload === null ? null : Buffer.from(payload),
      )
      expect(message).toMatchObject({ properties: {}, ...rest })
      expect(message.keyIsBase64).toBe(keyIsBase64)
    })
  })

  it.each(some.map((message, i) => [i, message] as const))('carry message %i alone', (_, message) => {
    const [entry] = makeEntries([message])
    const { metadata, delivery } = receive(entry as NonNullable<typeof entry>)
    expect(metadata.messagesInBatch).toBeUndefined()
    const [got] = take(delivery)
    expect(got?.position.batchIndex).toBe(-1)
    expect(got?.payload === null).toBe(message.payload === null)
    expect(got).toMatchObject({
      key: message.key,
      sequenceId: message.sequenceId,
      properties: message.properties ?? {},
    })
  })

  it('show when a byte changed on its way', () => {
    const [entry] = makeEntries(some)
    const payload = Buffer.from(entry?.payload ?? [])
    payload[3] = (payload[3] ?? 0) ^ 1
    const frame = Buffer.concat([entry?.head ?? Buffer.alloc(0), payload])
    expect(readPayloadHead(frame, 8 + frame.readUInt32BE(4), frame.length).intact).toBe(false)
  })

  it('are handed out piece by piece, within the bounds', () => {
    const [entry] = makeEntries(
      Array.from({ length: 10 }, (_, i) => ({ payload: Buffer.alloc(100, i), sequenceId: BigInt(i) })),
    )
    const { delivery, state } = receive(entry as NonNullable<typeof entry>)
    state.acknowledge(1)
    expect(take(delivery, 2).map(({ index }) => index)).toEqual([0, 2])
    expect(take(delivery, 100, 250).map(({ index }) => index)).toEqual([3, 4])
    expect(take(delivery, 100, 1).map(({ index }) => index)).toEqual([5])
    expect(take(delivery).map(({ payload }) => payload?.[0])).toEqual([6, 7, 8, 9])
    expect(delivery.left).toBe(0)
  })

  it('are cut into chunks where a message is too large, or refused', () => {
    const large = { payload: Buffer.alloc(250_000, 'x'), sequenceId: 1n }
    expect(() => makeEntries([large])).toThrow(/too large/)
    const entries = makeEntries([large], 'NONE', true)
    expect(entries.map(({ partial }) => partial)).toEqual([true, true, false])
    const read = entries.map(entry => receive(entry).metadata)
    expect(read.map(({ chunkId, chunks, chunkedSize }) => [chunkId, chunks, chunkedSize])).toEqual(
      [0, 1, 2].map(id => [id, 3, 250_000]),
    )
    expect(new Set(read.map(({ uuid }) => uuid)).size).toBe(1)
  })
})
