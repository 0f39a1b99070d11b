import {
  AuthError,
  ConfigError,
  ConnectionError,
  ConnectorError,
  isConnectorError,
  TransientError,
} from '@pulsar-io/sdk/core'
import { SERVER_ERRORS, type ServerErrorName } from './wire/enums.ts'

/** An error that a broker sent, before anybody said what it was about. */
export class ServerFailure extends Error {
  readonly error: ServerErrorName

  constructor(error: number, message: string) {
    super(message)
    this.name = 'ServerFailure'
    this.error = SERVER_ERRORS[error] ?? 'UnknownError'
  }
}

/** What was being done when a broker answered with an error. */
export interface ErrorContext {
  /** For a sentence, as in `cannot produce to persistent://…`. */
  readonly action: string
  readonly topic?: string | undefined
  readonly subscription?: string | undefined
  /** Name of a producer that opens. */
  readonly producer?: string | undefined
  /** The broker knew this producer before: a refusal now means that it lost its place. */
  readonly reopening?: boolean | undefined
}

/** Makes a named error with a retry meaning of whatever went wrong. An error that has both stays what it is. */
export function namedError(error: unknown, context: ErrorContext): ConnectorError {
  if (isConnectorError(error)) return error
  if (error instanceof ServerFailure) return serverError(error, context)
  const why = error instanceof Error ? error.message : String(error)
  return new ConnectionError(`${context.action}: ${why}`, { code: 'PIO_PULSAR_CONNECTION', cause: error })
}

function serverError(failure: ServerFailure, context: ErrorContext): ConnectorError {
  const { action, topic, subscription } = context
  const cause = failure
  // Brokers put the class of a Java exception in front, and sometimes a stack behind.
  const said = (failure.message.split('\n')[0] ?? '').replace(/^(?:[\w$]+\.)+([\w$]+): /, '$1: ').slice(0, 500)
  const text = (fix: string) => `${action}: ${said || failure.error}${fix === '' ? '' : `; ${fix}`}`
  const later = (code: string, fix = 'it is tried again') => new ConnectionError(text(fix), { code, cause })
  const stop = (code: string, fix: string) => new ConnectorError(code, 'stop', text(fix), { cause })
  switch (failure.error) {
    case 'AuthenticationError':
      return new AuthError(text('check the token, key or password that the client is given'), {
        code: 'PIO_PULSAR_AUTHENTICATION',
        cause,
      })
    case 'AuthorizationError':
      return new AuthError(
        text(`grant the role of this client what it needs, for example \`${grantCommand(topic, subscription)}\``),
        { code: 'PIO_PULSAR_AUTHORIZATION', cause },
      )
    case 'ConsumerBusy':
      return new ConnectionError(
        text(
          `another consumer holds the subscription ${subscription ?? ''}; close it, or use another subscription or type`,
        ),
        { code: 'PIO_CONSUMER_BUSY', cause },
      )
    case 'ConsumerAssignError':
      return new ConnectionError(text('the key ranges of the consumers overlap or change'), {
        code: 'PIO_CONSUMER_BUSY',
        cause,
      })
    case 'ProducerBusy':
      return new ConnectionError(text('close the other producer, or use another name'), {
        code: 'PIO_PRODUCER_BUSY',
        cause,
      })
    case 'ProducerFenced':
      if (!context.reopening) {
        return new ConnectionError(text('another producer holds the topic'), { code: 'PIO_PRODUCER_BUSY', cause })
      }
      if (context.producer !== undefined && said.endsWith(`existing exclusive producer: ${context.producer}`))
        return later('PIO_PRODUCER_BUSY', 'it is this one, over a connection that the broker still takes for alive')
      return stop('PIO_PRODUCER_FENCED', 'another producer took its place; open a new producer')
    case 'TopicNotFound':
      return stop(
        'PIO_NOT_FOUND',
        `create ${topic ?? 'the topic'} first (\`pulsar-admin topics create ${topic ?? 'TOPIC'}\`), or its namespace, or let the broker create topics by itself`,
      )
    case 'SubscriptionNotFound':
      return stop('PIO_NOT_FOUND', `create the subscription ${subscription ?? ''} first`)
    case 'InvalidTopicName':
      return new ConfigError([{ path: '', message: text('') }], { code: 'PIO_TOPIC_NAME', cause })
    case 'IncompatibleSchema':
      return new ConfigError(
        [
          {
            path: '',
            message: text(
              `${topic ?? 'the topic'} holds another schema; publish with a compatible one, or change the rule with \`pulsar-admin namespaces set-schema-compatibility-strategy\``,
            ),
          },
        ],
        { code: 'PIO_SCHEMA_INCOMPATIBLE', cause },
      )
    case 'TopicTerminatedError':
      return stop('PIO_PULSAR_TOPIC_TERMINATED', 'nothing can be published to a terminated topic; use another one')
    case 'UnsupportedVersionError':
      return stop('PIO_PULSAR_VERSION', 'the broker is too old for this')
    case 'NotAllowedError':
      return stop('PIO_PULSAR_NOT_ALLOWED', 'the broker or a policy of the namespace forbids it')
    case 'ProducerBlockedQuotaExceededError':
    case 'ProducerBlockedQuotaExceededException':
      return later(
        'PIO_PULSAR_QUOTA',
        'the backlog quota is used up: let the consumers catch up, or raise it with `pulsar-admin namespaces set-backlog-quota`',
      )
    case 'ChecksumError':
      return later('PIO_PULSAR_CHECKSUM', 'the bytes were damaged on their way')
    case 'TooManyRequests':
      return new TransientError(text('the broker is asked too much at once'), { code: 'PIO_PULSAR_TOO_MANY', cause })
    case 'MetadataError':
      return later('PIO_PULSAR_METADATA', 'the metadata store of the cluster does not answer')
    case 'PersistenceError':
      return later('PIO_PULSAR_STORAGE', 'the bookies of the cluster refuse or do not answer')
    case 'ServiceNotReady':
      return later('PIO_PULSAR_NOT_READY', 'the topic is moving or the broker is starting')
    case 'TransactionCoordinatorNotFound':
      return later('PIO_PULSAR_TRANSACTIONS', 'is transactionCoordinatorEnabled=true in the broker?')
    case 'InvalidTxnStatus':
    case 'TransactionNotFound':
      return new TransientError(text('the transaction is over; begin another one'), {
        code: 'PIO_PULSAR_TRANSACTION_OVER',
        cause,
      })
    case 'TransactionConflict':
      return new TransientError(text('another transaction acknowledged the same message'), {
        code: 'PIO_PULSAR_TRANSACTION_CONFLICT',
        cause,
      })
    case 'ConsumerNotFound':
      return later('PIO_PULSAR_CONSUMER_GONE')
    case 'UnknownError':
      return later('PIO_PULSAR_BROKER')
  }
}

function grantCommand(topic: string | undefined, subscription: string | undefined): string {
  const parts = topic?.replace(/^[a-z-]+:\/\//, '').split('/') ?? []
  const namespace = parts.length >= 3 ? `${parts[0]}/${parts[1]}` : 'TENANT/NAMESPACE'
  return `pulsar-admin namespaces grant-permission ${namespace} --role ROLE --actions ${subscription === undefined ? 'produce' : 'consume'}`
}

/** Errors that go away by themselves while a topic moves or a broker starts: opening tries again. */
const PASSING: ReadonlySet<string> = new Set([
  'PIO_PULSAR_CONNECTION',
  'PIO_PULSAR_UNREACHABLE',
  'PIO_PULSAR_TIMEOUT',
  'PIO_PULSAR_PROTOCOL',
  'PIO_PULSAR_NOT_READY',
  'PIO_PULSAR_METADATA',
  'PIO_PULSAR_STORAGE',
  'PIO_PULSAR_TOO_MANY',
  'PIO_PULSAR_BROKER',
  'PIO_PULSAR_CONSUMER_GONE',
])

/** Whether opening something may be tried again at once. */
export function isPassing(error: unknown): boolean {
  return isConnectorError(error) && PASSING.has(error.code)
}

/** No broker answers; `reconnect`. */
export function unreachableError(what: string, cause: unknown): ConnectorError {
  const why = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(cause)
  return new ConnectionError(`cannot connect to ${what}: ${why}; is a Pulsar broker listening there?`, {
    code: 'PIO_PULSAR_UNREACHABLE',
    cause,
  })
}

/** Somebody listens, but ended the connection before the handshake did; `reconnect`. */
export function handshakeError(broker: string, secure: boolean, cause: unknown): ConnectorError {
  const hint = secure ? 'its TLS port' : 'its port without TLS (pulsar+ssl:// is for the other one)'
  return new ConnectionError(
    `cannot connect to ${broker}: it closed the connection at once; is it a Pulsar broker, and this ${hint}?`,
    { code: 'PIO_PULSAR_UNREACHABLE', cause },
  )
}

/** The connection broke; `reconnect`. */
export function connectionLostError(broker: string, why: string, cause?: unknown): ConnectorError {
  return new ConnectionError(`the connection to ${broker} broke: ${why}`, { code: 'PIO_PULSAR_CONNECTION', cause })
}

/** The broker did not answer in time; `reconnect`. */
export function timeoutError(action: string, broker: string, ms: number): ConnectorError {
  return new ConnectionError(`${action}: ${broker} did not answer within ${ms} ms`, { code: 'PIO_PULSAR_TIMEOUT' })
}

/** Messages were not confirmed in time; `reconnect`: nobody knows whether they are stored. */
export function sendTimeoutError(topic: string, ms: number): ConnectorError {
  return new ConnectionError(
    `messages to ${topic} were not confirmed within ${ms} ms; whether they are stored is not known`,
    { code: 'PIO_PULSAR_SEND_TIMEOUT' },
  )
}

/** The client, producer, consumer or reader was closed; `stop`. */
export function closedError(what: string): ConnectorError {
  return new ConnectorError('PIO_CLOSED', 'stop', `${what} is closed`)
}

/** The topic was deleted under an open consumer or reader; `reconnect` makes it anew. */
export function topicDeletedError(topic: string): ConnectorError {
  return new ConnectionError(`${topic} was deleted while it was open; open it again to make it anew`, {
    code: 'PIO_TOPIC_DELETED',
  })
}

/** Something named a topic that is not there; `stop`. */
export function notFoundError(what: string): ConnectorError {
  return new ConnectorError('PIO_NOT_FOUND', 'stop', `${what} does not exist`)
}

/** The call makes no sense for what it was called on; `stop`. */
export function usageError(message: string): ConnectorError {
  return new ConnectorError('PIO_MESSAGING_USAGE', 'stop', message)
}

/** One message is larger than the broker takes; `reject`. */
export function tooLargeError(topic: string, bytes: number, limit: number): ConnectorError {
  return new ConnectorError(
    'PIO_MESSAGE_TOO_LARGE',
    'reject',
    `a message of ${bytes} bytes is too large for ${topic}; the broker takes ${limit} bytes. Raise its maxMessageSize, or switch chunking on`,
  )
}

/** More is waiting to be confirmed than the producer may hold; `retry`. */
export function queueFullError(topic: string): ConnectorError {
  return new TransientError(
    `too much of ${topic} waits to be confirmed; wait for earlier sends, or let the producer block`,
    { code: 'PIO_PULSAR_QUEUE_FULL' },
  )
}
