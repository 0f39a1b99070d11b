import { bool, bytes, enumeration, int32, int64, message, optional, repeated, required, text } from './protobuf.ts'

// Field names, numbers and kinds are those of Pulsar's public PulsarApi.proto (protocol version 21); what this client
// neither sends nor looks at is left out.

export const KeyValue = message('KeyValue', { key: required(1, text), value: required(2, text) })

export const Schema = message('Schema', {
  name: required(1, text),
  schemaData: required(3, bytes),
  type: required(4, enumeration),
  properties: repeated(5, KeyValue),
})

/** Of chunks, the place of the first one. */
const FirstChunkId = message('MessageIdData', {
  ledgerId: required(1, int64),
  entryId: required(2, int64),
  partition: optional(3, int32),
})

export const MessageIdData = message('MessageIdData', {
  ledgerId: required(1, int64),
  entryId: required(2, int64),
  partition: optional(3, int32),
  batchIndex: optional(4, int32),
  ackSet: repeated(5, int64),
  batchSize: optional(6, int32),
  firstChunkMessageId: optional(7, FirstChunkId),
})

/** Flags in both directions of the handshake. */
export const FeatureFlags = message('FeatureFlags', {
  supportsAuthRefresh: optional(1, bool),
  supportsBrokerEntryMetadata: optional(2, bool),
  supportsPartialProducer: optional(3, bool),
  supportsTopicWatchers: optional(4, bool),
  supportsGetPartitionedMetadataWithoutAutoCreation: optional(5, bool),
})

export const AuthData = message('AuthData', { authMethodName: optional(1, text), authData: optional(2, bytes) })

const IntRange = message('IntRange', { start: required(1, int32), end: required(2, int32) })

export const KeySharedMeta = message('KeySharedMeta', {
  keySharedMode: required(1, enumeration),
  hashRanges: repeated(3, IntRange),
  allowOutOfOrderDelivery: optional(4, bool),
})

/** A subscription that takes part in a transaction. */
export const TransactionSubscription = message('Subscription', {
  topic: required(1, text),
  subscription: required(2, text),
})
