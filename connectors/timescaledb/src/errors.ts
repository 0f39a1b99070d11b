import {
  AuthError,
  ConnectionError,
  ConnectorError,
  isConnectorError,
  type Problem,
  RecordError,
  TransientError,
} from '@pulsar-io/sdk'
import { ConnectionLost, isServerError, type ServerError } from './client.ts'

/** What error messages tell of the place: never a password. */
export interface Where {
  /** `postgresql://host:5432/database` */
  readonly url: string
  readonly user: string
}

/** The database is not as the configuration needs it. Lists everything at once; may be cured while the sink waits. */
export class TargetError extends ConnectorError {
  readonly problems: readonly Problem[]

  constructor(code: string, problems: readonly Problem[]) {
    super(code, 'block', problems.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('\n'))
    this.problems = problems
  }
}

/** The error of a connection that did not come to be. */
export function connectError(error: unknown, where: Where): ConnectorError {
  if (isConnectorError(error)) return error
  if (isServerError(error)) return serverError(error, where)
  const { code, message } = error as NodeJS.ErrnoException
  const reason = message || code || 'no reason given'
  if (/password must be/.test(reason))
    return new AuthError(`${where.url} asks ${who(where)} for a password, and none is configured; set password`, {
      code: 'PIO_PG_AUTH',
    })
  const [, hintCode, hint] = HINTS.find(([pattern]) => pattern.test(`${code ?? ''} ${reason}`)) ?? []
  return new ConnectionError(`cannot reach ${where.url}: ${reason}${hint ? ` (${hint})` : ''}`, {
    code: hintCode ?? 'PIO_PG_UNREACHABLE',
  })
}

const HINTS: readonly (readonly [RegExp, string, string])[] = [
  [/ECONNREFUSED/, 'PIO_PG_UNREACHABLE', 'nothing listens there; is the server running, and the port right?'],
  [/ENOTFOUND|EAI_AGAIN/, 'PIO_PG_UNREACHABLE', 'the host name is not known; check its spelling and the DNS'],
  [/EHOSTUNREACH|ENETUNREACH/, 'PIO_PG_UNREACHABLE', 'there is no route to the host'],
  [/does not support SSL/, 'PIO_PG_TLS', 'switch TLS on in the server, or set ssl.mode to disable'],
  [/establishing an SSL/, 'PIO_PG_TLS', 'something else than PostgreSQL answers; check host and port'],
  [/altnames|does not match/i, 'PIO_PG_TLS', 'the certificate is for another host; check the host, or use verify-ca'],
  [
    /self.signed|unable to verify|unable to get (local )?issuer|DEPTH_ZERO/i,
    'PIO_PG_TLS',
    'the certificate’s authority is not trusted; set ssl.ca to the authority’s PEM file',
  ],
  [/certificate has expired|not yet valid/i, 'PIO_PG_TLS', 'the server needs a new certificate'],
  [/EPROTO|wrong version number|handshake|alert/i, 'PIO_PG_TLS', 'TLS could not be agreed on; check ssl'],
  [
    /time(d )?.?out/i,
    'PIO_PG_TIMEOUT',
    'the server is slow or a firewall swallows the packets; see connectTimeout and statementTimeout',
  ],
]

/** The error of a statement: what the server said, or that the connection broke while it ran. A bug stays what it is. */
export function statementError(error: unknown, where: Where): unknown {
  if (isServerError(error)) return serverError(error, where)
  if (!(error instanceof ConnectionLost)) return error
  const code = /timeout/.test(error.message) ? 'PIO_PG_TIMEOUT' : 'PIO_PG_LOST'
  return new ConnectionError(`the connection to ${where.url} was lost: ${error.message}`, { code })
}

/** Whether one row can be at fault; otherwise no row is to be blamed. */
export function blamesRow(error: unknown): error is ServerError {
  return isServerError(error) && !notOfRows(error.code)
}

/**
 * Classes of SQLSTATE that tell of the connection, of resources, of other transactions, of rights, of the statement
 * or of the server itself. All others tell of data; triggers may raise whatever they like.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const notOfRows = (state: string): boolean =>
  /^(08|25|26|28|3[BDF]|40|42|53|55|57|58|F0|XX|TS)/.test(state) || state === '0A000'

/** The error of a row that PostgreSQL refuses, with its own reason. */
export function rowError(error: ServerError, table: string): RecordError {
  return new RecordError(`table ${table} refuses the row: ${said(error)}`, { code: 'PIO_PG_REJECTED' })
}

/** The error that a failure of the server means for the batch as a whole. */
function serverError(error: ServerError, where: Where): ConnectorError {
  const { code: state } = error
  const reason = said(error)
  if (state === '28P01' || state === '28000')
    return new AuthError(
      `${where.url} does not accept ${who(where)}: ${reason}; correct user and password, or pg_hba.conf`,
      { code: 'PIO_PG_AUTH' },
    )
  if (state === '42501')
    return new AuthError(`${who(where)} lacks a right at ${where.url}: ${reason}; grant it`, {
      code: 'PIO_PG_FORBIDDEN',
    })
  if (state === '3D000')
    return new TargetError('PIO_PG_DATABASE', [
      { path: 'connection.database', message: `${reason}; create it at ${where.url}, or correct the name` },
    ])
  if (state === '25006')
    return new ConnectionError(`${where.url} takes no writes any more: ${reason}; looking for the primary`, {
      code: 'PIO_PG_READ_ONLY',
    })
  if (state === '57014' || state === '25P03')
    return new ConnectionError(`${where.url} took too long: ${reason}; see statementTimeout`, {
      code: 'PIO_PG_TIMEOUT',
    })
  if (/^(40|55)/.test(state))
    return new TransientError(`${where.url} could not take the rows now: ${reason}`, { code: 'PIO_PG_BUSY' })
  if (state === '53300' || /^(08|57)/.test(state))
    return new ConnectionError(`${where.url} is not available: ${reason}`, { code: 'PIO_PG_UNAVAILABLE' })
  if (/^(53|58)/.test(state))
    return new ConnectorError('PIO_PG_FULL', 'block', `${where.url} has run out of something: ${reason}`)
  return new ConnectorError('PIO_PG_REFUSED', 'block', `${where.url} refuses the statement: ${reason}`)
}

/** PostgreSQL's reason in one line: message, detail, SQLSTATE, column, constraint. */
export function said(error: ServerError): string {
  const column = error.column ?? /, column ([^:]+)(?::|$)/.exec(error.where ?? '')?.[1]
  const marks = [
    `SQLSTATE ${error.code}`,
    ...(column === undefined ? [] : [`column ${column}`]),
    ...(error.constraint === undefined ? [] : [`constraint ${error.constraint}`]),
  ]
  const text = [error.message, error.detail].filter(part => part !== undefined && part !== '').join(': ')
  return `${text} (${marks.join(', ')})`
}

const who = ({ user }: Where): string => `user ${JSON.stringify(user)}`
