import {
  AuthError,
  ConnectionError,
  ConnectorError,
  isConnectorError,
  RecordError,
  TransientError,
} from '@pulsar-io/sdk'
import type { Config } from './options.ts'
import { contactPoints } from './roots.ts'

/** What of a configuration is said in an error. */
export type Place = Pick<Config, 'roots' | 'userName' | 'keyspace' | 'columnFamily' | 'consistency'>

/** An error of the driver or the server, as far as it is looked at. */
interface Thrown {
  readonly name?: string
  readonly message: string
  /** A number of the native protocol, or a text of Node. */
  readonly code?: number | string
  readonly innerErrors?: { readonly [host: string]: unknown }
  readonly coordinator?: string
}

/** Codes of the native protocol, version 4, section 9. */
const CODE = {
  server: 0x0000,
  protocol: 0x000a,
  badCredentials: 0x0100,
  unavailable: 0x1000,
  overloaded: 0x1001,
  bootstrapping: 0x1002,
  truncate: 0x1003,
  writeTimeout: 0x1100,
  readTimeout: 0x1200,
  readFailure: 0x1300,
  writeFailure: 0x1500,
  syntax: 0x2000,
  unauthorized: 0x2100,
  invalid: 0x2200,
  config: 0x2300,
  unprepared: 0x2500,
} as const

/** The error of the SDK for whatever the driver threw; the server's own words stay in it. */
export function driverError(error: unknown, place: Place): Error {
  if (isConnectorError(error)) return error
  const thrown = error as Thrown
  const nested = nestedErrors(thrown)
  if (nested.length > 0) return noHost(nested, place)
  if (isAuthentication(thrown)) return wrongCredentials(thrown, place)
  if (typeof thrown.code === 'number') return answered(thrown, thrown.code, place)
  if (thrown.name === 'OperationTimedOutError') return timedOut(thrown.message, place)
  if (thrown.name === 'BusyConnectionError')
    return new TransientError(`${where(place)}: ${thrown.message}`, { code: 'PIO_CASSANDRA_BUSY' })
  return unreachable(thrown.message, where(place))
}

/** What the server answered to a statement. */
function answered(thrown: Thrown, code: number, place: Place): ConnectorError {
  const said = thrown.message
  const at = thrown.coordinator ?? where(place)
  const table = `${place.keyspace}.${place.columnFamily}`
  switch (code) {
    case CODE.unavailable:
    case CODE.overloaded:
    case CODE.bootstrapping:
    case CODE.truncate:
    case CODE.writeTimeout:
    case CODE.writeFailure:
    case CODE.readTimeout:
    case CODE.readFailure:
      return new TransientError(`${at} could not do it now, with consistency ${place.consistency}: ${said}`, {
        code: 'PIO_CASSANDRA_BUSY',
      })
    case CODE.unauthorized:
      return new AuthError(
        `${who(place)} may not write to ${table} at ${at}: ${said}; grant it MODIFY there, and CREATE where the sink makes the table`,
        {
          code: 'PIO_CASSANDRA_FORBIDDEN',
        },
      )
    case CODE.badCredentials:
      return wrongCredentials(thrown, place)
  }
  if (/unconfigured table|table .* does not exist|keyspace .* does not exist/i.test(said))
    return new ConnectorError('PIO_CASSANDRA_NO_TABLE', 'block', `${at}: ${said}; create ${table}`)
  // Of the schema the connector knows what it was at open: opening again reads it anew, and says what does not fit.
  if (code === CODE.unprepared || /undefined column|unknown identifier|undefined name/i.test(said))
    return new ConnectionError(`${at}: ${table} is gone or has changed: ${said}`, { code: 'PIO_CASSANDRA_SCHEMA' })
  if (code === CODE.syntax || isAboutSettings(said))
    return new ConnectorError(
      'PIO_CASSANDRA_REFUSED',
      'block',
      `${at} refuses to write to ${table}, for no fault of a record: ${said}; change the setting there, or consistency, writeTimestamp or ttlSeconds here`,
    )
  if (/too (large|big)|oversized/i.test(said))
    return new RecordError(`${at} refuses the row, which is too large: ${said}`, { code: 'PIO_CASSANDRA_TOO_LARGE' })
  if (code === CODE.invalid || code === CODE.config)
    return new RecordError(`${at} refuses the row: ${said}`, { code: 'PIO_CASSANDRA_REJECTED' })
  // A failure in the server that is not said to be anybody's fault: perhaps it passes.
  return new TransientError(`${at} failed: ${said}`, { code: 'PIO_CASSANDRA_BUSY' })
}

/** Refusals that meet each record alike; a guardrail on sizes meets only the one that is too large. */
function isAboutSettings(said: string): boolean {
  if (/consistency level .* (not compatible|not supported)|disk usage|read.?only/i.test(said)) return true
  return /guardrail/i.test(said) && !/size|items|vector|terms|dimensions/i.test(said)
}

function nestedErrors({ innerErrors }: Thrown): readonly (readonly [host: string, error: Thrown])[] {
  return Object.entries(innerErrors ?? {}).map(([host, inner]) => [
    host,
    typeof inner === 'object' && inner !== null ? (inner as Thrown) : { message: String(inner) },
  ])
}

/** No node took the statement: why is said by each of them. */
function noHost(nested: readonly (readonly [host: string, error: Thrown])[], place: Place): ConnectorError {
  const credentials = nested.find(([, error]) => isAuthentication(error))
  if (credentials) return wrongCredentials(credentials[1], place, credentials[0])
  // Where each node answered, it is the answer that counts.
  const refused = nested.find(([, error]) => typeof error.code === 'number')
  if (refused && nested.every(([, error]) => typeof error.code === 'number'))
    return answered(
      { ...refused[1], message: refused[1].message, coordinator: refused[0] },
      Number(refused[1].code),
      place,
    )
  if (nested.every(([, error]) => error.name === 'OperationTimedOutError'))
    return timedOut(nested.map(([host, { message }]) => `${host}: ${message}`).join('; '), place)
  return unreachable(nested.map(([, { message }]) => message).join('; '), nested.map(([host]) => host).join(', '))
}

function isAuthentication({ name, code, message }: Thrown): boolean {
  return name === 'AuthenticationError' || code === CODE.badCredentials || /requires authentication/i.test(message)
}

function wrongCredentials({ message }: Thrown, place: Place, host = where(place)): AuthError {
  const cure = place.userName === '' ? 'set userName and password' : 'correct userName and password'
  return new AuthError(`${host} does not accept ${who(place)}: ${message}; ${cure}`, { code: 'PIO_CASSANDRA_AUTH' })
}

function timedOut(message: string, place: Place): ConnectionError {
  return new ConnectionError(
    `no answer from ${where(place)} in time: ${message} (the server is slow or a firewall swallows the packets; see requestTimeoutInMs)`,
    { code: 'PIO_CASSANDRA_TIMEOUT' },
  )
}

const HINTS: readonly (readonly [pattern: RegExp, code: string, hint: string])[] = [
  [/ECONNREFUSED/, 'PIO_CASSANDRA_UNREACHABLE', 'nothing listens there; is the server running, and the port right?'],
  [
    /ENOTFOUND|EAI_AGAIN|could be resolved/,
    'PIO_CASSANDRA_UNREACHABLE',
    'the host name is not known; check its spelling and the DNS',
  ],
  [/EHOSTUNREACH|ENETUNREACH/, 'PIO_CASSANDRA_UNREACHABLE', 'there is no route to the host'],
  [
    /altnames|does not match/i,
    'PIO_CASSANDRA_TLS',
    'the certificate is for another host; name that host in roots, or see tls.verifyHostname',
  ],
  [
    /self.signed|unable to verify|unable to get (local )?issuer/i,
    'PIO_CASSANDRA_TLS',
    'the certificate’s authority is not trusted; name its PEM file in tls.caFile',
  ],
  [/certificate has expired|not yet valid/i, 'PIO_CASSANDRA_TLS', 'the server needs a new certificate'],
  [
    /wrong version number|EPROTO|packet length/i,
    'PIO_CASSANDRA_TLS',
    'the server speaks no TLS there; see tls.enabled',
  ],
  [/certificate|alert|handshake/i, 'PIO_CASSANDRA_TLS', 'check the certificates of the server and in tls'],
  [
    /time(d )?.?out/i,
    'PIO_CASSANDRA_TIMEOUT',
    'the server is slow or a firewall swallows the packets; see connectTimeoutInMs',
  ],
]

function unreachable(message: string, host: string): ConnectionError {
  const [, code, hint] = HINTS.find(([pattern]) => pattern.test(message)) ?? []
  return new ConnectionError(`cannot reach ${host}: ${message}${hint ? ` (${hint})` : ''}`, {
    code: code ?? 'PIO_CASSANDRA_UNREACHABLE',
  })
}

const where = ({ roots }: Place): string => contactPoints(roots).join(', ')
const who = ({ userName }: Place): string =>
  userName === '' ? 'a client without a user' : `user ${JSON.stringify(userName)}`
