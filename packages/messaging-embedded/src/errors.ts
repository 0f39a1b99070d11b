import { ConfigError, ConnectionError, ConnectorError, isConnectorError } from '@pulsar-io/sdk/core'

/** The data directory cannot be used; `stop`. */
export function directoryError(directory: string, why: string, cause?: unknown): ConnectorError {
  return new ConfigError([{ path: '', message: `the embedded log cannot use ${directory}: ${why}` }], {
    code: 'PIO_EMBEDDED_DIRECTORY',
    cause,
  })
}

/** The data directory was written by something else or by another version; `stop`. */
export function formatError(directory: string, why: string, cause?: unknown): ConnectorError {
  return new ConfigError(
    [{ path: '', message: `${directory} is not an embedded log that this version can read: ${why}` }],
    { code: 'PIO_EMBEDDED_FORMAT', cause },
  )
}

/** No room left on the disk; `reconnect`: the same call succeeds once there is room. */
export function diskFullError(directory: string, freeBytes: number | undefined, cause?: unknown): ConnectorError {
  const free = freeBytes === undefined ? '' : ` (${freeBytes} bytes free)`
  return new ConnectionError(
    `no room left on the disk of ${directory}${free}; nothing acknowledged is lost. Free some space or move the directory; publishing goes on by itself then`,
    { code: 'PIO_EMBEDDED_DISK_FULL', cause },
  )
}

/** lmdb failed in a way that has no name here; `reconnect`. */
export function storageError(directory: string, cause: unknown): ConnectorError {
  if (isConnectorError(cause)) return cause
  const why = cause instanceof Error ? cause.message : String(cause)
  return new ConnectionError(`the embedded log in ${directory} failed: ${why}`, { code: 'PIO_EMBEDDED_STORAGE', cause })
}

/** The client, producer, consumer or reader was closed; `stop`. */
export function closedError(what: string): ConnectorError {
  return new ConnectorError('PIO_CLOSED', 'stop', `${what} is closed`)
}

/** Somebody else holds the subscription; `reconnect`. */
export function consumerBusyError(topic: string, subscription: string, why: string): ConnectorError {
  return new ConnectionError(`cannot subscribe to ${topic} as ${subscription}: ${why}`, { code: 'PIO_CONSUMER_BUSY' })
}

/** Somebody else holds the topic or the producer name; `reconnect`. */
export function producerBusyError(topic: string, why: string): ConnectorError {
  return new ConnectionError(`cannot produce to ${topic}: ${why}`, { code: 'PIO_PRODUCER_BUSY' })
}

/**
 * A producer lost its place. To another one: `stop`, because two of them would mix their messages. To nobody, since this
 * process stood still for so long that others took it for dead: `reconnect`.
 */
export function producerFencedError(topic: string, producer: string, taken: boolean): ConnectorError {
  const why = taken
    ? 'another producer took its place'
    : 'this process stood still for so long that others took it for dead'
  return new ConnectorError(
    'PIO_PRODUCER_FENCED',
    taken ? 'stop' : 'reconnect',
    `producer ${producer} lost ${topic}: ${why}; open a new producer`,
  )
}

/** The topic was deleted under an open producer, consumer or reader; `reconnect` makes it anew. */
export function topicDeletedError(topic: string): ConnectorError {
  return new ConnectionError(`${topic} was deleted while it was open; open it again to make it anew`, {
    code: 'PIO_TOPIC_DELETED',
  })
}

/** The subscription was deleted under an open consumer; `reconnect` makes it anew. */
export function subscriptionDeletedError(subscription: string): ConnectorError {
  return new ConnectionError(
    `the subscription ${subscription} was deleted while it was in use; subscribe again to make it anew`,
    {
      code: 'PIO_SUBSCRIPTION_DELETED',
    },
  )
}

/** Something named a topic or subscription that is not there; `stop`. */
export function notFoundError(what: string): ConnectorError {
  return new ConnectorError('PIO_NOT_FOUND', 'stop', `${what} does not exist`)
}

/** The call makes no sense for what it was called on; `stop`. */
export function usageError(message: string): ConnectorError {
  return new ConnectorError('PIO_MESSAGING_USAGE', 'stop', message)
}

/** One message is larger than an entry may be; `reject`. */
export function tooLargeError(topic: string, bytes: number, limit: number): ConnectorError {
  return new ConnectorError(
    'PIO_MESSAGE_TOO_LARGE',
    'reject',
    `a message of ${bytes} bytes is too large for ${topic}; the limit is ${limit} bytes`,
  )
}
