import { AuthError, ConnectionError, ConnectorError, RecordError, TransientError } from '@pulsar-io/sdk'
import type { Where } from './connection.ts'
import { type Failure, failureOf } from './driver/failure.ts'

const FORBIDDEN: { readonly [code: string]: string } = {
  TOPIC_AUTHORIZATION_FAILED: 'the topic',
  GROUP_AUTHORIZATION_FAILED: 'the consumer group',
  CLUSTER_AUTHORIZATION_FAILED: 'the cluster',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'the transactional id',
}

const HINTS: readonly (readonly [RegExp, string, string])[] = [
  [/ECONNREFUSED/, 'PIO_KAFKA_UNREACHABLE', 'nothing listens there; is the server running, and the port right?'],
  [/ENOTFOUND|EAI_AGAIN/, 'PIO_KAFKA_UNREACHABLE', 'the host name is not known; check its spelling and the DNS'],
  [/EHOSTUNREACH|ENETUNREACH/, 'PIO_KAFKA_UNREACHABLE', 'there is no route to the host'],
  [
    /altnames|does not match/i,
    'PIO_KAFKA_TLS',
    'the certificate is for another host; check the address, or sslEndpointIdentificationAlgorithm',
  ],
  [
    /self.signed|unable to verify|unable to get (local )?issuer/i,
    'PIO_KAFKA_TLS',
    'the certificate’s authority is not trusted; set sslTruststoreLocation to the authority’s PEM file',
  ],
  [/certificate has expired|not yet valid/i, 'PIO_KAFKA_TLS', 'a new certificate is needed'],
  [/requires TLS/i, 'PIO_KAFKA_TLS', 'set securityProtocol to SSL or SASL_SSL'],
  [
    /wrong version number|EPROTO|packet length|TLS handshake|before secure TLS/i,
    'PIO_KAFKA_TLS',
    'the server speaks no TLS there, or another version; check the port, securityProtocol and sslEnabledProtocols',
  ],
  [
    /alert|handshake|certificate/i,
    'PIO_KAFKA_TLS',
    'TLS could not be agreed on; check the certificates and sslKeystoreLocation',
  ],
  [/time(d )?.?out/i, 'PIO_KAFKA_TIMEOUT', 'the server is slow, or a firewall swallows the packets'],
  [
    /closed|ECONNRESET|EPIPE|socket hang up/i,
    'PIO_KAFKA_UNREACHABLE',
    'the server, or something in between, ended the connection; if it does so at once, check securityProtocol and saslMechanism',
  ],
]

/** The error of something that a cluster was asked and did not do. `what` completes "cannot …". */
export function explain(error: unknown, what: string, where: Where): ConnectorError {
  const failure = failureOf(error)
  const words = describe(failure)
  if (failure.login || failure.codes.includes('SASL_AUTHENTICATION_FAILED'))
    return new AuthError(`${where.servers} does not accept ${where.who} (${words}); correct the login`, {
      code: 'PIO_KAFKA_AUTH',
    })
  if (failure.codes.includes('UNSUPPORTED_SASL_MECHANISM') || failure.codes.includes('ILLEGAL_SASL_STATE'))
    return new AuthError(`${where.servers} does not know the mechanism (${words}); correct saslMechanism or the port`, {
      code: 'PIO_KAFKA_AUTH',
    })
  const refused = failure.codes.find(code => FORBIDDEN[code] !== undefined)
  if (refused !== undefined) return forbidden(FORBIDDEN[refused] ?? '', what, words, where)
  if (failure.codes.length > 0 || /Unsupported API|No usable implementation/.test(failure.reason))
    return new ConnectionError(`${where.servers} cannot ${what} (${words})`, { code: 'PIO_KAFKA_UNAVAILABLE' })
  const [, code, hint] = HINTS.find(([pattern]) => pattern.test(failure.reason)) ?? []
  return new ConnectionError(`cannot reach ${where.servers}: ${failure.reason}${hint ? ` (${hint})` : ''}`, {
    code: code ?? 'PIO_KAFKA_UNREACHABLE',
  })
}

export function forbidden(thing: string, what: string, words: string, where: Where): ConnectorError {
  return new AuthError(`${where.who} at ${where.servers} may not ${what} (${words}); grant access to ${thing}`, {
    code: 'PIO_KAFKA_FORBIDDEN',
  })
}

export function noTopic(topic: string, where: Where, mayCreate: boolean): ConnectorError {
  const why = mayCreate
    ? 'and the servers do not make it (auto.create.topics.enable)'
    : 'and may not be made (autoCreateTopic)'
  return new ConnectorError(
    'PIO_KAFKA_NO_TOPIC',
    'block',
    `topic ${topic} is not at ${where.servers} ${why}; create it, or correct the name`,
  )
}

/** What becomes of one record that a server did not take, by the name of Kafka's error code. */
export function recordError(code: string, said: string, topic: string, size: number, where: Where): ConnectorError {
  const words = said === '' ? code : `${code}, ${said}`
  switch (code) {
    case 'MESSAGE_TOO_LARGE':
    case 'RECORD_LIST_TOO_LARGE':
      return new RecordError(
        `the record of ${size} bytes is too large for topic ${topic} (${words}); see max.message.bytes there`,
        {
          code: 'PIO_KAFKA_TOO_LARGE',
        },
      )
    case 'INVALID_RECORD':
    case 'INVALID_TIMESTAMP':
    case 'POLICY_VIOLATION':
    case 'CORRUPT_MESSAGE':
      return new RecordError(`topic ${topic} refuses the record (${words})`, { code: 'PIO_KAFKA_REJECTED' })
    case 'TOPIC_AUTHORIZATION_FAILED':
    case 'CLUSTER_AUTHORIZATION_FAILED':
    case 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED':
      return forbidden(FORBIDDEN[code] ?? 'the topic', `write to topic ${topic}`, words, where)
    default:
      return new TransientError(`${where.servers} could not take the record for topic ${topic} now (${words})`, {
        code: 'PIO_KAFKA_UNAVAILABLE',
      })
  }
}

function describe({ codes, said, reason }: Failure): string {
  if (codes.length === 0) return reason
  return said === '' ? codes.join(', ') : `${codes.join(', ')}: ${said}`
}
