import { AuthError, ConnectionError, ConnectorError } from '@pulsar-io/sdk'
import type { ConnectionConfig } from './connection-options.ts'
import type { BrokerError } from './port.ts'

/** What error messages tell of the place: never a password. */
export interface Where {
  /** `amqp://host:5672/vhost`. */
  readonly url: string
  /** `user "jo"`. */
  readonly who: string
  readonly virtualHost: string
}

/** Where a configuration points to. */
export function whereOf({ ssl, host, port, virtualHost, username }: ConnectionConfig): Where {
  const address = host.includes(':') ? `[${host}]` : host
  return {
    url: `${ssl ? 'amqps' : 'amqp'}://${address}:${port}/${virtualHost === '/' ? '' : virtualHost}`,
    who: `user ${JSON.stringify(username)}`,
    virtualHost,
  }
}

/** The error of a connection that could not be made. */
export function connectError(error: BrokerError, where: Where): ConnectorError {
  const said = error.message
  if (error.replyCode === 403)
    return new AuthError(`${where.url} does not accept ${where.who} (${said}); correct username and password`, {
      code: 'PIO_RABBITMQ_AUTH',
    })
  // The client keeps the server's words to itself here; what they can be is known.
  if (error.replyCode === 530 || /ConnectionOpenOk.*ConnectionClose/.test(said)) return virtualHostError(where)
  if (/SASL mechanism/.test(said))
    return new AuthError(`${where.url} takes no passwords (${said}); enable the mechanism PLAIN on the server`, {
      code: 'PIO_RABBITMQ_AUTH',
    })
  const [, code, hint] = HINTS.find(([pattern]) => pattern.test(`${said} ${error.socketCode ?? ''}`)) ?? []
  return new ConnectionError(`cannot connect to ${where.url}: ${said}${hint ? ` (${hint})` : ''}`, {
    code: code ?? 'PIO_RABBITMQ_UNREACHABLE',
  })
}

function virtualHostError({ url, who, virtualHost }: Where): ConnectorError {
  const name = JSON.stringify(virtualHost)
  return new ConnectorError(
    'PIO_RABBITMQ_VHOST',
    'block',
    `${url} accepts ${who}, but does not open the virtual host ${name}: it is not there, the user has no permission in it, or has too many connections; look at "rabbitmqctl list_vhosts" and "rabbitmqctl list_permissions -p ${virtualHost}", and check the spelling of virtualHost`,
  )
}

/** The error of a channel or a connection that ended, or of an operation that the server refused. `what`: `declare queue 'q'`. */
export function brokerProblem(error: BrokerError, what: string, where: Where, fix = ''): ConnectorError {
  const { replyCode, message, scope } = error
  if (scope === 'handshake') return connectError(error, where)
  const also = fix === '' ? '' : `; ${fix}`
  if (scope === 'connection' || replyCode === undefined) return lostError(error, where)
  switch (replyCode) {
    case 403:
      return new AuthError(
        `${where.who} at ${where.url} may not ${what} (${message}); grant the permission with "rabbitmqctl set_permissions"${also}`,
        { code: 'PIO_RABBITMQ_FORBIDDEN' },
      )
    case 404:
      return blocked('PIO_RABBITMQ_NOT_FOUND', `cannot ${what} at ${where.url}: it is not there (${message})${also}`)
    case 405:
      return blocked(
        'PIO_RABBITMQ_LOCKED',
        `cannot ${what} at ${where.url}: another connection has it for itself (${message}); end that connection, or set exclusive: false and parallelism: 1`,
      )
    case 406:
      return blocked(
        'PIO_RABBITMQ_MISMATCH',
        `cannot ${what} at ${where.url}: it is there, and is different (${message})${also}`,
      )
    default:
      return blocked('PIO_RABBITMQ_REFUSED', `${where.url} refuses to ${what} (${replyCode}, ${message})${also}`)
  }
}

/** The error of a connection that was lost. */
export function lostError(error: BrokerError, where: Where): ConnectionError {
  return new ConnectionError(`lost the connection to ${where.url}: ${error.message}`, { code: 'PIO_RABBITMQ_LOST' })
}

function blocked(code: string, message: string): ConnectorError {
  return new ConnectorError(code, 'block', message)
}

const HINTS: readonly (readonly [RegExp, string, string])[] = [
  [/ECONNREFUSED/, 'PIO_RABBITMQ_UNREACHABLE', 'nothing listens there; is the server running, and the port right?'],
  [/ENOTFOUND|EAI_AGAIN/, 'PIO_RABBITMQ_UNREACHABLE', 'the host name is not known; check its spelling and the DNS'],
  [/EHOSTUNREACH|ENETUNREACH/, 'PIO_RABBITMQ_UNREACHABLE', 'there is no route to the host'],
  [
    /altnames|does not match/i,
    'PIO_RABBITMQ_TLS',
    'the certificate is for another host; check host, or tls.hostnameVerification',
  ],
  [
    /self.signed|unable to verify|unable to get (local )?issuer/i,
    'PIO_RABBITMQ_TLS',
    'the certificate’s authority is not trusted; set tls.caFile to the authority’s PEM file',
  ],
  [/certificate has expired|not yet valid/i, 'PIO_RABBITMQ_TLS', 'the server needs a new certificate'],
  [
    /wrong version number|EPROTO|packet length/i,
    'PIO_RABBITMQ_TLS',
    'the server speaks no TLS there; mostly that is port 5671',
  ],
  [
    /certificate required|bad certificate|unknown ca|handshake failure|alert/i,
    'PIO_RABBITMQ_TLS',
    'the server does not like our certificate, or wants one; check tls.certFile and tls.keyFile',
  ],
  [
    /time(d )?.?out/i,
    'PIO_RABBITMQ_TIMEOUT',
    'the server is slow or a firewall swallows the packets; see connectionTimeout and handshakeTimeout',
  ],
  [
    /abruptly|ECONNRESET|EPIPE|socket hang up|closed before|disconnected before|frame|Expected/i,
    'PIO_RABBITMQ_UNREACHABLE',
    'what listens there does not speak AMQP 0-9-1 as asked; is the port right, and does it want ssl: true?',
  ],
]
