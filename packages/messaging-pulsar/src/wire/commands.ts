import {
  bool,
  bytes,
  count,
  enumeration,
  int32,
  int64,
  type MessageType,
  message,
  optional,
  repeated,
  required,
  text,
  uint32,
  uint64,
} from './protobuf.ts'
import {
  AuthData,
  FeatureFlags,
  KeySharedMeta,
  KeyValue,
  MessageIdData,
  Schema,
  TransactionSubscription,
} from './values.ts'

const requestId = required(1, count)

/** What every answer of a transaction coordinator holds. */
const transactionAnswer = {
  requestId,
  leastBits: optional(2, uint64),
  mostBits: optional(3, uint64),
  error: optional(4, enumeration),
  message: optional(5, text),
}

const ping = message('CommandPing', {})
const pong = message('CommandPong', {})

/** The commands by their names in `BaseCommand`. */
export const commands = {
  connect: message('CommandConnect', {
    clientVersion: required(1, text),
    authData: optional(3, bytes),
    protocolVersion: optional(4, int32),
    authMethodName: optional(5, text),
    proxyToBrokerUrl: optional(6, text),
    featureFlags: optional(10, FeatureFlags),
  }),
  connected: message('CommandConnected', {
    serverVersion: required(1, text),
    protocolVersion: optional(2, int32),
    maxMessageSize: optional(3, int32),
    featureFlags: optional(4, FeatureFlags),
  }),
  subscribe: message('CommandSubscribe', {
    topic: required(1, text),
    subscription: required(2, text),
    subType: required(3, enumeration),
    consumerId: required(4, count),
    requestId: required(5, count),
    consumerName: optional(6, text),
    priorityLevel: optional(7, int32),
    durable: optional(8, bool),
    startMessageId: optional(9, MessageIdData),
    metadata: repeated(10, KeyValue),
    readCompacted: optional(11, bool),
    schema: optional(12, Schema),
    initialPosition: optional(13, enumeration),
    replicateSubscriptionState: optional(14, bool),
    forceTopicCreation: optional(15, bool),
    keySharedMeta: optional(17, KeySharedMeta),
    subscriptionProperties: repeated(18, KeyValue),
    consumerEpoch: optional(19, count),
  }),
  producer: message('CommandProducer', {
    topic: required(1, text),
    producerId: required(2, count),
    requestId: required(3, count),
    producerName: optional(4, text),
    metadata: repeated(6, KeyValue),
    schema: optional(7, Schema),
    epoch: optional(8, count),
    userProvidedProducerName: optional(9, bool),
    producerAccessMode: optional(10, enumeration),
    topicEpoch: optional(11, uint64),
    txnEnabled: optional(12, bool),
    initialSubscriptionName: optional(13, text),
  }),
  sendReceipt: message('CommandSendReceipt', {
    producerId: required(1, count),
    sequenceId: required(2, uint64),
    messageId: optional(3, MessageIdData),
    highestSequenceId: optional(4, uint64),
  }),
  sendError: message('CommandSendError', {
    producerId: required(1, count),
    sequenceId: required(2, uint64),
    error: required(3, enumeration),
    message: required(4, text),
  }),
  ack: message('CommandAck', {
    consumerId: required(1, count),
    ackType: required(2, enumeration),
    messageId: repeated(3, MessageIdData),
    validationError: optional(4, enumeration),
    leastBits: optional(6, uint64),
    mostBits: optional(7, uint64),
    requestId: optional(8, count),
  }),
  flow: message('CommandFlow', { consumerId: required(1, count), messagePermits: required(2, uint32) }),
  unsubscribe: message('CommandUnsubscribe', {
    consumerId: required(1, count),
    requestId: required(2, count),
    force: optional(3, bool),
  }),
  success: message('CommandSuccess', { requestId, schema: optional(2, Schema) }),
  error: message('CommandError', { requestId, error: required(2, enumeration), message: required(3, text) }),
  closeProducer: message('CommandCloseProducer', {
    producerId: required(1, count),
    requestId: required(2, count),
    assignedBrokerServiceUrl: optional(3, text),
    assignedBrokerServiceUrlTls: optional(4, text),
  }),
  closeConsumer: message('CommandCloseConsumer', {
    consumerId: required(1, count),
    requestId: required(2, count),
    assignedBrokerServiceUrl: optional(3, text),
    assignedBrokerServiceUrlTls: optional(4, text),
  }),
  producerSuccess: message('CommandProducerSuccess', {
    requestId,
    producerName: required(2, text),
    lastSequenceId: optional(3, int64),
    schemaVersion: optional(4, bytes),
    topicEpoch: optional(5, uint64),
    producerReady: optional(6, bool),
  }),
  ping,
  pong,
  redeliverUnacknowledgedMessages: message('CommandRedeliverUnacknowledgedMessages', {
    consumerId: required(1, count),
    messageIds: repeated(2, MessageIdData),
    consumerEpoch: optional(3, count),
  }),
  partitionMetadata: message('CommandPartitionedTopicMetadata', {
    topic: required(1, text),
    requestId: required(2, count),
    metadataAutoCreationEnabled: optional(6, bool),
  }),
  partitionMetadataResponse: message('CommandPartitionedTopicMetadataResponse', {
    partitions: optional(1, uint32),
    requestId: required(2, count),
    response: optional(3, enumeration),
    error: optional(4, enumeration),
    message: optional(5, text),
  }),
  lookupTopic: message('CommandLookupTopic', {
    topic: required(1, text),
    requestId: required(2, count),
    authoritative: optional(3, bool),
    advertisedListenerName: optional(7, text),
  }),
  lookupTopicResponse: message('CommandLookupTopicResponse', {
    brokerServiceUrl: optional(1, text),
    brokerServiceUrlTls: optional(2, text),
    response: optional(3, enumeration),
    requestId: required(4, count),
    authoritative: optional(5, bool),
    error: optional(6, enumeration),
    message: optional(7, text),
    proxyThroughServiceUrl: optional(8, bool),
  }),
  consumerStats: message('CommandConsumerStats', { requestId, consumerId: required(4, count) }),
  consumerStatsResponse: message('CommandConsumerStatsResponse', {
    requestId,
    errorCode: optional(2, enumeration),
    errorMessage: optional(3, text),
    msgBacklog: optional(15, count),
  }),
  reachedEndOfTopic: message('CommandReachedEndOfTopic', { consumerId: required(1, count) }),
  seek: message('CommandSeek', {
    consumerId: required(1, count),
    requestId: required(2, count),
    messageId: optional(3, MessageIdData),
    messagePublishTime: optional(4, count),
  }),
  getLastMessageId: message('CommandGetLastMessageId', {
    consumerId: required(1, count),
    requestId: required(2, count),
  }),
  getLastMessageIdResponse: message('CommandGetLastMessageIdResponse', {
    lastMessageId: required(1, MessageIdData),
    requestId: required(2, count),
    consumerMarkDeletePosition: optional(3, MessageIdData),
  }),
  activeConsumerChange: message('CommandActiveConsumerChange', {
    consumerId: required(1, count),
    isActive: optional(2, bool),
  }),
  getTopicsOfNamespace: message('CommandGetTopicsOfNamespace', {
    requestId,
    namespace: required(2, text),
    mode: optional(3, enumeration),
  }),
  getTopicsOfNamespaceResponse: message('CommandGetTopicsOfNamespaceResponse', {
    requestId,
    topics: repeated(2, text),
  }),
  getSchema: message('CommandGetSchema', { requestId, topic: required(2, text), schemaVersion: optional(3, bytes) }),
  getSchemaResponse: message('CommandGetSchemaResponse', {
    requestId,
    errorCode: optional(2, enumeration),
    errorMessage: optional(3, text),
    schema: optional(4, Schema),
    schemaVersion: optional(5, bytes),
  }),
  authChallenge: message('CommandAuthChallenge', {
    serverVersion: optional(1, text),
    challenge: optional(2, AuthData),
    protocolVersion: optional(3, int32),
  }),
  authResponse: message('CommandAuthResponse', {
    clientVersion: optional(1, text),
    response: optional(2, AuthData),
    protocolVersion: optional(3, int32),
  }),
  ackResponse: message('CommandAckResponse', {
    consumerId: required(1, count),
    leastBits: optional(2, uint64),
    mostBits: optional(3, uint64),
    error: optional(4, enumeration),
    message: optional(5, text),
    requestId: optional(6, count),
  }),
  getOrCreateSchema: message('CommandGetOrCreateSchema', {
    requestId,
    topic: required(2, text),
    schema: required(3, Schema),
  }),
  getOrCreateSchemaResponse: message('CommandGetOrCreateSchemaResponse', {
    requestId,
    errorCode: optional(2, enumeration),
    errorMessage: optional(3, text),
    schemaVersion: optional(4, bytes),
  }),
  newTxn: message('CommandNewTxn', { requestId, ttlSeconds: optional(2, count), tcId: optional(3, count) }),
  newTxnResponse: message('CommandNewTxnResponse', transactionAnswer),
  addPartitionToTxn: message('CommandAddPartitionToTxn', {
    requestId,
    leastBits: optional(2, uint64),
    mostBits: optional(3, uint64),
    partitions: repeated(4, text),
  }),
  addPartitionToTxnResponse: message('CommandAddPartitionToTxnResponse', transactionAnswer),
  addSubscriptionToTxn: message('CommandAddSubscriptionToTxn', {
    requestId,
    leastBits: optional(2, uint64),
    mostBits: optional(3, uint64),
    subscription: repeated(4, TransactionSubscription),
  }),
  addSubscriptionToTxnResponse: message('CommandAddSubscriptionToTxnResponse', transactionAnswer),
  endTxn: message('CommandEndTxn', {
    requestId,
    leastBits: optional(2, uint64),
    mostBits: optional(3, uint64),
    action: optional(4, enumeration),
  }),
  endTxnResponse: message('CommandEndTxnResponse', transactionAnswer),
  tcClientConnectRequest: message('CommandTcClientConnectRequest', { requestId, tcId: required(2, count) }),
  tcClientConnectResponse: message('CommandTcClientConnectResponse', {
    requestId,
    error: optional(2, enumeration),
    message: optional(3, text),
  }),
  watchTopicList: message('CommandWatchTopicList', {
    requestId,
    watcherId: required(2, count),
    namespace: required(3, text),
    topicsPattern: required(4, text),
    topicsHash: optional(5, text),
  }),
  watchTopicListSuccess: message('CommandWatchTopicListSuccess', {
    requestId,
    watcherId: required(2, count),
    topic: repeated(3, text),
    topicsHash: required(4, text),
  }),
  watchTopicUpdate: message('CommandWatchTopicUpdate', {
    watcherId: required(1, count),
    newTopics: repeated(2, text),
    deletedTopics: repeated(3, text),
    topicsHash: required(4, text),
  }),
  watchTopicListClose: message('CommandWatchTopicListClose', { requestId, watcherId: required(2, count) }),
  topicMigrated: message('CommandTopicMigrated', {
    resourceId: required(1, count),
    resourceType: required(2, enumeration),
    brokerServiceUrl: optional(3, text),
    brokerServiceUrlTls: optional(4, text),
  }),
} as const

/** `BaseCommand.Type`; the field of `BaseCommand` that holds a command has the same number. */
export const COMMAND_NUMBERS = {
  connect: 2,
  connected: 3,
  subscribe: 4,
  producer: 5,
  sendReceipt: 7,
  sendError: 8,
  ack: 10,
  flow: 11,
  unsubscribe: 12,
  success: 13,
  error: 14,
  closeProducer: 15,
  closeConsumer: 16,
  producerSuccess: 17,
  ping: 18,
  pong: 19,
  redeliverUnacknowledgedMessages: 20,
  partitionMetadata: 21,
  partitionMetadataResponse: 22,
  lookupTopic: 23,
  lookupTopicResponse: 24,
  consumerStats: 25,
  consumerStatsResponse: 26,
  reachedEndOfTopic: 27,
  seek: 28,
  getLastMessageId: 29,
  getLastMessageIdResponse: 30,
  activeConsumerChange: 31,
  getTopicsOfNamespace: 32,
  getTopicsOfNamespaceResponse: 33,
  getSchema: 34,
  getSchemaResponse: 35,
  authChallenge: 36,
  authResponse: 37,
  ackResponse: 38,
  getOrCreateSchema: 39,
  getOrCreateSchemaResponse: 40,
  newTxn: 50,
  newTxnResponse: 51,
  addPartitionToTxn: 52,
  addPartitionToTxnResponse: 53,
  addSubscriptionToTxn: 54,
  addSubscriptionToTxnResponse: 55,
  endTxn: 56,
  endTxnResponse: 57,
  tcClientConnectRequest: 62,
  tcClientConnectResponse: 63,
  watchTopicList: 64,
  watchTopicListSuccess: 65,
  watchTopicUpdate: 66,
  watchTopicListClose: 67,
  topicMigrated: 68,
} as const satisfies { readonly [K in CommandName]: number }

/** The number of SEND, which has an encoder of its own. */
export const SEND = 6
/** The number of MESSAGE, which has a decoder of its own. */
export const MESSAGE = 9

export type CommandName = keyof typeof commands

/** What writing a command takes. */
export type CommandInput<K extends CommandName> = Parameters<(typeof commands)[K]['encode']>[0]

/** What reading a command gives. */
export type CommandOutput<K extends CommandName> = ReturnType<(typeof commands)[K]['decode']>

/** A command as it was read. */
export type Command = {
  readonly [K in CommandName]: { readonly name: K; readonly body: CommandOutput<K> }
}[CommandName]

/** Name and type of each command by its number. */
export const commandByNumber: readonly (readonly [CommandName, MessageType<object>] | undefined)[] = (() => {
  const table: (readonly [CommandName, MessageType<object>] | undefined)[] = []
  for (const [name, number] of Object.entries(COMMAND_NUMBERS) as [CommandName, number][]) {
    table[number] = [name, commands[name] as unknown as MessageType<object>]
  }
  return table
})()
