// The brand by which the runtime knows errors with a code (design of the SDK); the client has no dependency to take it from.
const BRAND = Symbol.for('pulsar-io.connector-error')

/** Why a call failed. Each code has a section in docs/errors.md. */
export type AdminErrorCode =
  | 'PIO_ADMIN_UNREACHABLE'
  | 'PIO_ADMIN_TIMEOUT'
  | 'PIO_ADMIN_TLS'
  | 'PIO_ADMIN_AUTH'
  | 'PIO_ADMIN_REFUSED'
  | 'PIO_ADMIN_NOT_FOUND'
  | 'PIO_ADMIN_NOT_READY'
  | 'PIO_ADMIN_SERVER'
  | 'PIO_ADMIN_ANSWER'
  | 'PIO_ADMIN_OPTIONS'
  | 'PIO_ADMIN_NOT_RUNNING'

/** What it means for another try; the same words as the errors of connectors. */
export type AdminErrorRetry = 'stop' | 'reconnect' | 'block' | 'retry' | 'reject'

/** What an error says besides its text. */
export interface AdminErrorFacts {
  /** For example `PUT`; undefined where no request was made. */
  readonly method?: string | undefined
  /** Path of the request, for example `/admin/v3/sink/public/default/es`. */
  readonly path?: string | undefined
  /** Of the answer; undefined where there was none. */
  readonly status?: number | undefined
  /** The server's own words, where it said any. */
  readonly reason?: string | undefined
  readonly cause?: unknown
}

const RETRY: { readonly [code in AdminErrorCode]: AdminErrorRetry } = {
  PIO_ADMIN_UNREACHABLE: 'reconnect',
  PIO_ADMIN_TIMEOUT: 'reconnect',
  PIO_ADMIN_TLS: 'stop',
  PIO_ADMIN_AUTH: 'block',
  PIO_ADMIN_REFUSED: 'reject',
  PIO_ADMIN_NOT_FOUND: 'reject',
  PIO_ADMIN_NOT_READY: 'reconnect',
  PIO_ADMIN_SERVER: 'retry',
  PIO_ADMIN_ANSWER: 'reject',
  PIO_ADMIN_OPTIONS: 'stop',
  PIO_ADMIN_NOT_RUNNING: 'retry',
}

/** A call of the admin interface that did not succeed. */
export class AdminError extends Error {
  readonly code: AdminErrorCode
  readonly retry: AdminErrorRetry
  readonly method: string | undefined
  readonly path: string | undefined
  readonly status: number | undefined
  readonly reason: string | undefined

  constructor(code: AdminErrorCode, message: string, facts: AdminErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.name = 'AdminError'
    this.code = code
    this.retry = RETRY[code]
    this.method = facts.method
    this.path = facts.path
    this.status = facts.status
    this.reason = facts.reason
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** True for an {@link AdminError}, of another copy of this package, too. */
export function isAdminError(error: unknown): error is AdminError {
  return error instanceof Error && error.name === 'AdminError' && (error as { [BRAND]?: boolean })[BRAND] === true
}
