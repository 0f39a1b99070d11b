import {
  AuthError,
  ConfigError,
  ConnectionError,
  ConnectorError,
  isConnectorError,
  TransientError,
} from '@pulsar-io/sdk'

/** What was being done when the addon answered with an error. */
export interface ErrorContext {
  /** For a sentence, as in `cannot produce to persistent://…`. */
  readonly action: string
  /** The producer was open before: being refused means that another took its place. */
  readonly open?: boolean
}

type Maker = (text: (fix: string) => string, cause: unknown, context: ErrorContext) => ConnectorError

const later =
  (code: string, fix = 'it is tried again'): Maker =>
  (text, cause) =>
    new ConnectionError(text(fix), { code, cause })
const stop =
  (code: string, fix: string): Maker =>
  (text, cause) =>
    new ConnectorError(code, 'stop', text(fix), { cause })
const config =
  (code: string, fix: string): Maker =>
  (text, cause) =>
    new ConfigError([{ path: '', message: text(fix) }], { code, cause })

/** Results of the C++ client, by the names that the addon puts at the end of its messages. */
const RESULTS: Readonly<Record<string, Maker>> = {
  TimeOut: later('PIO_PULSAR_TIMEOUT', 'the broker did not answer in time'),
  ConnectError: later('PIO_PULSAR_UNREACHABLE', 'is a Pulsar broker listening there, and its certificate trusted?'),
  LookupError: later('PIO_PULSAR_NOT_READY', 'the topic could not be looked up'),
  ReadError: later('PIO_PULSAR_CONNECTION'),
  NotConnected: later('PIO_PULSAR_CONNECTION'),
  Disconnected: later('PIO_PULSAR_CONNECTION'),
  Interrupted: later('PIO_PULSAR_CONNECTION'),
  AuthenticationError: (text, cause) =>
    new AuthError(text('check the token, key or password that the client is given'), {
      code: 'PIO_PULSAR_AUTHENTICATION',
      cause,
    }),
  ErrorGettingAuthenticationData: (text, cause) =>
    new AuthError(text('the token, key or password could not be read'), { code: 'PIO_PULSAR_AUTHENTICATION', cause }),
  AuthorizationError: (text, cause) =>
    new AuthError(text('grant the role of this client what it needs (`pulsar-admin namespaces grant-permission`)'), {
      code: 'PIO_PULSAR_AUTHORIZATION',
      cause,
    }),
  ConsumerBusy: later(
    'PIO_CONSUMER_BUSY',
    'another consumer holds the subscription; close it, or use another subscription or type',
  ),
  ConsumerAssignError: later('PIO_CONSUMER_BUSY', 'the key ranges of the consumers overlap or change'),
  ProducerBusy: later('PIO_PRODUCER_BUSY', 'close the other producer, or use another name'),
  ProducerFenced: (text, cause, { open }) =>
    open === true
      ? new ConnectorError(
          'PIO_PRODUCER_FENCED',
          'stop',
          text('another producer took its place; open a new producer'),
          {
            cause,
          },
        )
      : new ConnectionError(text('another producer holds the topic'), { code: 'PIO_PRODUCER_BUSY', cause }),
  TopicNotFound: stop('PIO_NOT_FOUND', 'create the topic or its namespace first, or let the broker create topics'),
  SubscriptionNotFound: stop('PIO_NOT_FOUND', 'create the subscription first'),
  ConsumerNotFound: later('PIO_PULSAR_CONSUMER_GONE'),
  InvalidTopicName: config(
    'PIO_TOPIC_NAME',
    'write topic, tenant/namespace/topic or persistent://tenant/namespace/topic',
  ),
  IncompatibleSchema: config(
    'PIO_SCHEMA_INCOMPATIBLE',
    'the topic holds another schema; publish with a compatible one, or change the rule with `pulsar-admin namespaces set-schema-compatibility-strategy`',
  ),
  MessageTooBig: (text, cause) =>
    new ConnectorError('PIO_MESSAGE_TOO_LARGE', 'reject', text('raise maxMessageSize of the broker'), { cause }),
  TopicTerminated: stop(
    'PIO_PULSAR_TOPIC_TERMINATED',
    'nothing can be published to a terminated topic; use another one',
  ),
  UnsupportedVersionError: stop('PIO_PULSAR_VERSION', 'the broker is too old for this'),
  NotAllowedError: stop('PIO_PULSAR_NOT_ALLOWED', 'the broker or a policy of the namespace forbids it'),
  ProducerBlockedQuotaExceededError: later(
    'PIO_PULSAR_QUOTA',
    'the backlog quota is used up: let the consumers catch up',
  ),
  ProducerBlockedQuotaExceededException: later(
    'PIO_PULSAR_QUOTA',
    'the backlog quota is used up: let the consumers catch up',
  ),
  ProducerQueueIsFull: (text, cause) =>
    new TransientError(text('too much waits to be confirmed'), { code: 'PIO_PULSAR_QUEUE_FULL', cause }),
  MemoryBufferIsFull: (text, cause) =>
    new TransientError(text('too much waits to be confirmed'), { code: 'PIO_PULSAR_QUEUE_FULL', cause }),
  ChecksumError: later('PIO_PULSAR_CHECKSUM', 'the bytes were damaged on their way'),
  TooManyLookupRequestException: (text, cause) =>
    new TransientError(text('the broker is asked too much at once'), { code: 'PIO_PULSAR_TOO_MANY', cause }),
  BrokerMetadataError: later('PIO_PULSAR_METADATA', 'the metadata store of the cluster does not answer'),
  BrokerPersistenceError: later('PIO_PULSAR_STORAGE', 'the bookies of the cluster refuse or do not answer'),
  ServiceUnitNotReady: later('PIO_PULSAR_NOT_READY', 'the topic is moving or the broker is starting'),
  AlreadyClosed: stop('PIO_CLOSED', 'it was closed'),
  UnknownError: later('PIO_PULSAR_BROKER'),
}

/**
 * Makes a named error with a retry meaning of what the addon says: text that ends with a result of the C++ client, as in
 * `Failed to create producer: ProducerBusy`. Why a broker refused stands in the log alone.
 */
export function namedError(error: unknown, context: ErrorContext): ConnectorError {
  if (isConnectorError(error)) return error
  const said = error instanceof Error ? error.message : String(error)
  const result = /(?:^|: )(?:Result)?(\w+)$/.exec(said)?.[1] ?? ''
  const text = (fix: string) => `${context.action}: ${said}; ${fix}`
  const make = RESULTS[result]
  if (make !== undefined) return make(text, error, context)
  return new ConnectionError(`${context.action}: ${said}`, { code: 'PIO_PULSAR_CONNECTION', cause: error })
}

/** The addon has no such thing; `stop`. */
export function unsupportedError(what: string): ConnectorError {
  return new ConnectorError('PIO_NATIVE_UNSUPPORTED', 'stop', `${what}; ${OTHER_DRIVER}`)
}

/** One message holds what the addon cannot carry; `reject`. */
export function uncarriedError(topic: string, what: string): ConnectorError {
  return new ConnectorError('PIO_NATIVE_UNSUPPORTED', 'reject', `a message to ${topic} ${what}; ${OTHER_DRIVER}`)
}

const OTHER_DRIVER = 'the pulsar driver can (leave --messaging native out)'

/** The client, producer or consumer was closed; `stop`. */
export function closedError(what: string): ConnectorError {
  return new ConnectorError('PIO_CLOSED', 'stop', `${what} is closed`)
}

/** The call makes no sense for what it was called on; `stop`. */
export function usageError(message: string): ConnectorError {
  return new ConnectorError('PIO_MESSAGING_USAGE', 'stop', message)
}
