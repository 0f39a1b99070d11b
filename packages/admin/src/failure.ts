import { AdminError } from './errors.ts'

/** A request, as messages name it. */
export interface RequestName {
  readonly method: string
  readonly path: string
}

/** What a server that is not one of ours may answer at most that is still repeated. */
const REASON_CHARACTERS = 8000

/** The server's own words: Pulsar's `{"reason": …}`, the message of fastify, or what a page for people says. */
function reasonOf(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) {
      const { reason, message } = value as { readonly reason?: unknown; readonly message?: unknown }
      if (typeof reason === 'string' && reason !== '') return shortened(reason)
      if (typeof message === 'string' && message !== '') return shortened(message)
    }
  } catch {
    // No JSON: a page of the web server, or plain text.
  }
  const message = /<th>MESSAGE:<\/th><td>(.*?)<\/td>/is.exec(text)?.[1] ?? /<title>(.*?)<\/title>/is.exec(text)?.[1]
  const plain = message ?? (/<\w+/.test(text) || /^\s*[{[]/.test(text) ? '' : text)
  return plain.trim() === '' ? undefined : shortened(plain.trim())
}

function shortened(text: string): string {
  return text.length <= REASON_CHARACTERS ? text : `${text.slice(0, REASON_CHARACTERS)}…`
}

/** Makes an error of an answer that is no success. */
export function refusal(status: number, text: string, url: URL, { method, path }: RequestName): AdminError {
  const reason = reasonOf(text)
  const facts = { method, path, status, reason }
  const request = `(${method} ${path} answered ${status})`
  // This project's worker gives every problem a line of its own.
  const said = reason?.includes('\n')
    ? `several things are wrong ${request}:\n${reason}`
    : `${reason ?? 'no reason given'} ${request}`
  switch (status) {
    case 401:
      return new AdminError('PIO_ADMIN_AUTH', `${url.origin} does not let us in: ${said}; check the login`, facts)
    case 403:
      return new AdminError(
        'PIO_ADMIN_REFUSED',
        `${said}; the login is good but has no permission: ask for it, or log in as somebody else`,
        facts,
      )
    case 404:
      return notFound(reason, said, url, facts)
    case 503:
      return new AdminError('PIO_ADMIN_NOT_READY', `${url.origin} is not ready: ${said}; try again in a moment`, facts)
    case 413:
      return new AdminError('PIO_ADMIN_REFUSED', `${said}; the server takes no archive of that size`, facts)
    case 429:
      return new AdminError('PIO_ADMIN_SERVER', `${url.origin} has too much to do: ${said}; try again later`, facts)
    default:
      return status >= 500
        ? new AdminError('PIO_ADMIN_SERVER', `${url.origin} failed: ${said}; see its log`, facts)
        : new AdminError('PIO_ADMIN_REFUSED', said, facts)
  }
}

/** Workers say which connector is missing; anybody else at that address says nothing of the kind. */
function notFound(
  reason: string | undefined,
  said: string,
  url: URL,
  facts: RequestName & { readonly status: number; readonly reason: string | undefined },
): AdminError {
  const exists = reason !== undefined && /exist/i.test(reason)
  return new AdminError(
    'PIO_ADMIN_NOT_FOUND',
    exists ? said : `${said}; is ${url.origin} a worker? A broker has the interface only with its functions worker on`,
    facts,
  )
}

/** Makes an error of what `fetch` throws. */
export function failure(error: unknown, url: URL, { method, path }: RequestName): AdminError {
  const cause = innermost(error)
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  const facts = { method, path, cause: error }
  if (TLS_CODES.test(code) || /certificate|SSL|TLS/i.test(cause.message)) {
    return new AdminError(
      'PIO_ADMIN_TLS',
      `${url.origin}: no TLS connection: ${tlsWords(cause)}; check that the server speaks https and that its authority is trusted`,
      facts,
    )
  }
  return new AdminError(
    'PIO_ADMIN_UNREACHABLE',
    `cannot reach ${url.origin}: ${WORDS[code] ?? (cause.message || code)}; is a worker running there? ` +
      `\`runtime worker --port ${url.port || (url.protocol === 'https:' ? 443 : 80)}\` starts one`,
    facts,
  )
}

/** OpenSSL's own words come with the line of its source. */
function tlsWords(error: Error): string {
  const { library, reason } = error as Error & { readonly library?: string; readonly reason?: string }
  return library !== undefined && reason !== undefined ? reason : error.message
}

const TLS_CODES = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO)/

const WORDS: { readonly [code: string]: string } = {
  ECONNREFUSED: 'nobody listens at that address (ECONNREFUSED)',
  ENOTFOUND: 'there is no such host (ENOTFOUND)',
  EAI_AGAIN: 'the name of the host cannot be looked up (EAI_AGAIN)',
  ECONNRESET: 'the connection was closed before the answer (ECONNRESET)',
  UND_ERR_SOCKET: 'the connection was closed before the answer',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no way to it (EHOSTUNREACH)',
  ENETUNREACH: 'there is no way to it (ENETUNREACH)',
}

/** `fetch` says "fetch failed", and why in its cause; where a host has several addresses, once for each of them. */
function innermost(error: unknown): Error {
  const asError = error instanceof Error ? error : new Error(String(error))
  const [first] = asError instanceof AggregateError ? (asError.errors as unknown[]) : []
  const below = first ?? asError.cause
  return below === undefined ? asError : innermost(below)
}
