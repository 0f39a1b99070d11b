/**
 * What the runtime does about an error.
 *
 * - `stop`: nothing will help but another configuration; the connector stops.
 * - `reconnect`: the other side is away; stop pulling, connect again with backoff, lose nothing.
 * - `block`: the other side refuses us; keep everything, say so, try again slowly.
 * - `retry`: this record may succeed later.
 * - `reject`: this record can never succeed; it becomes a dead letter.
 */
export type RetryMeaning = 'stop' | 'reconnect' | 'block' | 'retry' | 'reject'

/** One thing that is wrong with a configuration. */
export interface Problem {
  /** Path of the option, for example `ssl.truststorePath`; empty for the configuration as a whole. */
  readonly path: string
  /** What is wrong and what to do about it, without the value of a secret. */
  readonly message: string
}

// An archive holds its own copy of the SDK, so `instanceof` is false across the border: the brand is not.
const BRAND = Symbol.for('pulsar-io.connector-error')

/** Options every error takes. */
export interface ConnectorErrorOptions {
  readonly cause?: unknown
}

/** An error with a stable code and a retry meaning. Ask with {@link isConnectorError}, never with `instanceof`. */
export class ConnectorError extends Error {
  readonly code: string
  readonly retry: RetryMeaning

  constructor(code: string, retry: RetryMeaning, message: string, options?: ConnectorErrorOptions) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.retry = retry
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** True for a {@link ConnectorError} of any copy of the SDK. */
export function isConnectorError(error: unknown): error is ConnectorError {
  return typeof error === 'object' && error !== null && (error as { [BRAND]?: boolean })[BRAND] === true
}

/** The configuration is wrong; lists every problem at once. Retry meaning `stop`. */
export class ConfigError extends ConnectorError {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[], options?: ConnectorErrorOptions & { readonly code?: string }) {
    const lines = problems.map(problem => (problem.path ? `${problem.path}: ${problem.message}` : problem.message))
    super(options?.code ?? 'PIO_CONFIG', 'stop', lines.join('\n'), options)
    this.problems = problems
  }
}

/** The external system cannot be reached, or the connection broke. Retry meaning `reconnect`. */
export class ConnectionError extends ConnectorError {
  constructor(message: string, options?: ConnectorErrorOptions & { readonly code?: string }) {
    super(options?.code ?? 'PIO_CONNECTION', 'reconnect', message, options)
  }
}

/** The external system refuses our credentials or permissions. Retry meaning `block`: nothing is dropped. */
export class AuthError extends ConnectorError {
  constructor(message: string, options?: ConnectorErrorOptions & { readonly code?: string }) {
    super(options?.code ?? 'PIO_AUTH', 'block', message, options)
  }
}

/** This record can never succeed. Retry meaning `reject`: it becomes a dead letter. */
export class RecordError extends ConnectorError {
  constructor(message: string, options?: ConnectorErrorOptions & { readonly code?: string }) {
    super(options?.code ?? 'PIO_RECORD', 'reject', message, options)
  }
}

/** This record may succeed later. Retry meaning `retry`. */
export class TransientError extends ConnectorError {
  /** Milliseconds the other side asked us to wait, where it said so. */
  readonly retryAfterMs: number | undefined

  constructor(
    message: string,
    options?: ConnectorErrorOptions & { readonly code?: string; readonly retryAfterMs?: number },
  ) {
    super(options?.code ?? 'PIO_TRANSIENT', 'retry', message, options)
    this.retryAfterMs = options?.retryAfterMs
  }
}
