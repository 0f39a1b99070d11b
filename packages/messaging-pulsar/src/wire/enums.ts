/** `ProducerAccessMode`. */
export const ACCESS_MODES = { Shared: 0, Exclusive: 1, WaitForExclusive: 2, ExclusiveWithFencing: 3 } as const

/** `CommandSubscribe.SubType`. */
export const SUBSCRIPTION_TYPES = { Exclusive: 0, Shared: 1, Failover: 2, Key_Shared: 3 } as const

/** `CommandSubscribe.InitialPosition`. */
export const INITIAL_POSITIONS = { Latest: 0, Earliest: 1 } as const

/** `CommandAck.AckType`. */
export const ACK_TYPES = { Individual: 0, Cumulative: 1 } as const

/** `CommandAck.ValidationError`. */
export const VALIDATION_ERRORS = {
  UncompressedSizeCorruption: 0,
  DecompressionError: 1,
  ChecksumMismatch: 2,
  BatchDeSerializeError: 3,
} as const

/** `CommandLookupTopicResponse.LookupType`. */
export const LOOKUP_TYPES = { Redirect: 0, Connect: 1, Failed: 2 } as const

/** `CommandGetTopicsOfNamespace.Mode`. */
export const TOPIC_MODES = { Persistent: 0, NonPersistent: 1, All: 2 } as const

/** `TxnAction`. */
export const TRANSACTION_ACTIONS = { Commit: 0, Abort: 1 } as const

/** `ServerError`, in the order of its numbers. */
export const SERVER_ERRORS = [
  'UnknownError',
  'MetadataError',
  'PersistenceError',
  'AuthenticationError',
  'AuthorizationError',
  'ConsumerBusy',
  'ServiceNotReady',
  'ProducerBlockedQuotaExceededError',
  'ProducerBlockedQuotaExceededException',
  'ChecksumError',
  'UnsupportedVersionError',
  'TopicNotFound',
  'SubscriptionNotFound',
  'ConsumerNotFound',
  'TooManyRequests',
  'TopicTerminatedError',
  'ProducerBusy',
  'InvalidTopicName',
  'IncompatibleSchema',
  'ConsumerAssignError',
  'TransactionCoordinatorNotFound',
  'InvalidTxnStatus',
  'NotAllowedError',
  'TransactionConflict',
  'TransactionNotFound',
  'ProducerFenced',
] as const

/** Name of a `ServerError`. */
export type ServerErrorName = (typeof SERVER_ERRORS)[number]
