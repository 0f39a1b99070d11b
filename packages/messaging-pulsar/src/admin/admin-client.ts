import type { ConnectionOptions } from 'node:tls'
import { AuthError, ConnectionError, ConnectorError, isConnectorError } from '@pulsar-io/sdk/core'
import type { Authentication } from '../auth/authentication.ts'
import { tlsFailure } from '../connection/tls-options.ts'
import { type HttpAnswer, type HttpRequest, httpRequest } from '../http/request.ts'

/** Where the admin interface is, and how it is spoken to. */
export interface AdminOptions {
  /** Base addresses, tried in turn. */
  readonly urls: readonly string[]
  readonly authentication?: Authentication | undefined
  /** TLS towards a host of an `https` address. */
  readonly tls?: ((host: string) => Promise<ConnectionOptions>) | undefined
  /** Milliseconds for one request. Default 30000. */
  readonly timeoutMs?: number | undefined
}

/** One request of the admin interface. */
export interface AdminRequest {
  /** Below the base address, for example `/admin/v2/tenants`. */
  readonly path: string
  /** For a sentence, as in `cannot delete persistent://…`. */
  readonly action: string
  /** A value for JSON, or `json` text as it is, for numbers that JavaScript cannot hold. */
  readonly body?: unknown
  readonly json?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Statuses that are an answer and no error, besides those from 200 to 299. */
  readonly accept?: readonly number[]
  readonly signal?: AbortSignal
}

/** The broker's answer: JSON, or nothing. */
export interface AdminAnswer {
  readonly status: number
  readonly value: unknown
}

const TIMEOUT_MS = 30_000

/** Speaks the admin REST of a broker. No state, nothing to close. */
export class AdminClient {
  private readonly options: AdminOptions
  /** The base address that answered last. */
  private turn = 0

  constructor(options: AdminOptions) {
    this.options = options
  }

  /** The value of a GET. Throws as {@link send}. */
  async get(request: AdminRequest): Promise<unknown> {
    return (await this.send('GET', request)).value
  }

  /**
   * Sends a request.
   * @throws ConnectorError with the broker's reason: `block` where it refuses this client, `reconnect` where it is not
   * there or not ready, `stop` where the request makes no sense.
   */
  async send(method: HttpRequest['method'], request: AdminRequest): Promise<AdminAnswer> {
    const { urls, authentication } = this.options
    let failure: unknown
    for (let i = 0; i < urls.length; i += 1) {
      const url = urls[this.turn % urls.length] ?? ''
      let answer: HttpAnswer
      try {
        answer = await this.ask(method, url, request)
      } catch (error) {
        if (isConnectorError(error)) throw error
        failure = tlsFailure(url, error) ?? unreachable(request.action, url, error)
        this.turn += 1
        continue
      }
      if (answer.status < 300 || request.accept?.includes(answer.status)) {
        return { status: answer.status, value: parse(answer.body) }
      }
      // Credentials that cannot be read any more say nothing about why the broker refused the ones it saw.
      throw refusal(request, url, answer, await authentication?.describe?.().catch(() => undefined))
    }
    throw failure
  }

  private async ask(method: HttpRequest['method'], url: string, request: AdminRequest): Promise<HttpAnswer> {
    const { authentication, tls, timeoutMs } = this.options
    const body = request.json ?? (request.body === undefined ? undefined : JSON.stringify(request.body))
    return httpRequest({
      method,
      url: `${url}${request.path}`,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(await authentication?.headers?.()),
        ...request.headers,
      },
      ...(body === undefined ? {} : { body }),
      tls,
      timeoutMs: timeoutMs ?? TIMEOUT_MS,
      signal: request.signal,
    })
  }
}

function parse(body: string): unknown {
  if (body.trim() === '') return undefined
  try {
    return JSON.parse(body)
  } catch {
    return body // a few answers are plain text
  }
}

function unreachable(action: string, url: string, cause: unknown): ConnectorError {
  const why = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(cause)
  return new ConnectionError(
    `${action}: the admin interface of Pulsar at ${url} does not answer: ${why}; set adminUrl (--web-service-url) if it is elsewhere`,
    { code: 'PIO_PULSAR_ADMIN_UNREACHABLE', cause },
  )
}

/** What the broker says of why it refused: `reason` of its JSON, else the status alone. */
function reasonOf({ status, body }: HttpAnswer): string {
  const value = parse(body)
  const reason =
    typeof value === 'object' && value !== null ? (value as { readonly reason?: unknown }).reason : undefined
  const text = typeof reason === 'string' && reason.trim() !== '' ? reason : ''
  // Some reasons hold a stack of Java.
  return `${status}${text === '' ? '' : ` ${(text.trim().split('\n')[0] ?? '').slice(0, 500)}`}`
}

function refusal(request: AdminRequest, url: string, answer: HttpAnswer, who: string | undefined): ConnectorError {
  const reason = reasonOf(answer)
  const text = `${request.action}: ${url} answered ${reason}`
  const as = who === undefined ? '' : ` to ${who}`
  switch (answer.status) {
    case 401:
    case 403:
      // Brokers answer 401 to those they know and grant too little, as well.
      if (answer.status === 403 || /unauthorized to|not authorized|permission|super-?user|admin access/i.test(reason)) {
        return new AuthError(
          `${text}${as}; grant its role what it needs (\`pulsar-admin namespaces grant-permission\`)`,
          {
            code: 'PIO_PULSAR_AUTHORIZATION',
          },
        )
      }
      return new AuthError(`${text}${as}; check the token, key or password that the client is given`, {
        code: 'PIO_PULSAR_AUTHENTICATION',
      })
    case 404:
      return new ConnectorError('PIO_NOT_FOUND', 'stop', text)
    default:
      if (answer.status >= 500) return new ConnectionError(`${text}; it is tried again`, { code: 'PIO_PULSAR_ADMIN' })
      return new ConnectorError('PIO_PULSAR_ADMIN_REFUSED', 'stop', text)
  }
}
