import { AuthError, ConnectionError, ConnectorError, RecordError, TransientError } from '@pulsar-io/sdk'

/** Documents must not get in without what the pipeline does to them, and none of them is to blame. */
export function noPipeline(what: string): ConnectorError {
  return new ConnectorError(
    'PIO_ES_NO_PIPELINE',
    'block',
    `${what}; create the pipeline, or correct the option pipeline`,
  )
}

/** What a server says went wrong, with one item or with a request. */
export interface ServerError {
  readonly type: string
  readonly reason: string
}

/** What error messages tell of the place: never a password. */
export interface Where {
  /** `http://host:9200`, or several. */
  readonly url: string
  /** `user "jo"`, `the API key`, `the token`, or `no credentials`. */
  readonly who: string
}

/** The error of a status that an item of a bulk request, or a request as a whole, came back with. */
export function errorOf(
  status: number,
  error: ServerError,
  index: string,
  where: Where,
  retryAfterMs?: number,
): ConnectorError {
  const said = describe(status, error)
  if (status === 401)
    return new AuthError(`${where.url} does not accept ${where.who} (${said}); correct the credentials`, {
      code: 'PIO_ES_AUTH',
    })
  if (error.type === 'cluster_block_exception' || error.type === 'index_closed_exception')
    return new ConnectorError(
      'PIO_ES_INDEX_BLOCKED',
      'block',
      `index ${index} at ${where.url} takes no writes (${said}); reopen it, lift the block, or free disk space`,
    )
  if (status === 403)
    return new AuthError(
      `${where.who} at ${where.url} may not write to index ${index} (${said}); grant the privileges "create_doc", "index" and "delete" on it, and "auto_configure" or "create_index" where the index is made on first use`,
      { code: 'PIO_ES_FORBIDDEN' },
    )
  if (error.type === 'index_not_found_exception')
    return new ConnectorError(
      'PIO_ES_NO_INDEX',
      'block',
      `index ${index} is not at ${where.url} and the server does not create it (${said}); create it, or set createIndexIfNeeded`,
    )
  // Said of an index that would have to be made for the document: the document is not at fault.
  if (error.type === 'validation_exception')
    return new ConnectorError(
      'PIO_ES_REQUEST_REFUSED',
      'block',
      `${where.url} cannot take documents for index ${index} (${said})`,
    )
  if (/^pipeline with id \[.*\] does not exist/.test(error.reason)) return noPipeline(`${where.url} says: ${said}`)
  // A pipeline that fails on purpose answers 500, and would do so each time.
  if (/^(fail_processor|ingest_processor)_exception$/.test(error.type))
    return new RecordError(`the pipeline at ${where.url} refuses the document (${said})`, { code: 'PIO_ES_REJECTED' })
  if (status === 413)
    return new RecordError(`the document is too large for ${where.url} (${said}); see http.max_content_length there`, {
      code: 'PIO_ES_TOO_LARGE',
    })
  if (status === 429 || status === 409 || status === 408 || status >= 500)
    return new TransientError(`${where.url} could not take the document now (${said})`, {
      code: 'PIO_ES_BUSY',
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    })
  return new RecordError(`index ${index} at ${where.url} refuses the document (${said})`, { code: 'PIO_ES_REJECTED' })
}

/** The error of a request that was answered as a whole with a failure. */
export function requestError(
  status: number,
  body: unknown,
  what: string,
  where: Where,
  retryAfterMs?: number,
): ConnectorError {
  const error = serverError(body)
  const said = describe(status, error)
  if (status === 401) return errorOf(status, error, '', where)
  if (error.type === 'cluster_block_exception') return errorOf(status, error, what, where)
  if (status === 403)
    return new AuthError(`${where.who} at ${where.url} may not ${what} (${said}); grant the privilege for it`, {
      code: 'PIO_ES_FORBIDDEN',
    })
  if (status === 429) return errorOf(status, error, '', where, retryAfterMs)
  // A gateway or a node without a cluster: the same as not being there.
  if (status >= 500)
    return new ConnectionError(`${where.url} could not ${what} (${said})`, { code: 'PIO_ES_UNAVAILABLE' })
  return new ConnectorError('PIO_ES_REQUEST_REFUSED', 'block', `${where.url} refused to ${what} (${said})`)
}

/** Reads `{"error":{"type":…,"reason":…}}`, or what a proxy says instead. */
export function serverError(body: unknown): ServerError {
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : body
  if (typeof error === 'object' && error !== null) {
    const { type, reason, caused_by: cause } = error as { type?: unknown; reason?: unknown; caused_by?: unknown }
    const deeper = typeof cause === 'object' && cause !== null ? serverError({ error: cause }).reason : ''
    const text = typeof reason === 'string' ? reason : ''
    return { type: typeof type === 'string' ? type : '', reason: [text, deeper].filter(part => part !== '').join(': ') }
  }
  return { type: '', reason: typeof error === 'string' ? error.slice(0, 200) : '' }
}

function describe(status: number, { type, reason }: ServerError): string {
  return [`HTTP ${status}`, type, reason].filter(part => part !== '').join(', ')
}

const HINTS: readonly (readonly [RegExp, string, string])[] = [
  [/ECONNREFUSED/, 'PIO_ES_UNREACHABLE', 'nothing listens there; is the server running, and the port right?'],
  [/ENOTFOUND|EAI_AGAIN/, 'PIO_ES_UNREACHABLE', 'the host name is not known; check its spelling and the DNS'],
  [/EHOSTUNREACH|ENETUNREACH/, 'PIO_ES_UNREACHABLE', 'there is no route to the host'],
  [
    /altnames|does not match/i,
    'PIO_ES_TLS',
    'the certificate is for another host; check the address or ssl.hostnameVerification',
  ],
  [
    /self.signed|unable to verify|unable to get (local )?issuer/i,
    'PIO_ES_TLS',
    'the certificate’s authority is not trusted; set ssl.enabled and ssl.truststorePath to the authority’s PEM file',
  ],
  [/certificate has expired|not yet valid/i, 'PIO_ES_TLS', 'the server needs a new certificate'],
  [
    /wrong version number|EPROTO|packet length/i,
    'PIO_ES_TLS',
    'the server speaks no TLS there; should the address start with http://?',
  ],
  [
    /alert|handshake|no protocols available/i,
    'PIO_ES_TLS',
    'TLS could not be agreed on; check ssl.protocols, ssl.cipherSuites and ssl.keystorePath',
  ],
  [/certificate/i, 'PIO_ES_TLS', 'check the certificates of the server and in ssl'],
  [
    /time(d )?.?out/i,
    'PIO_ES_TIMEOUT',
    'the server is slow or a firewall swallows the packets; see connectTimeoutInMs and socketTimeoutInMs',
  ],
]

/** The error of a request that got no answer. */
export function noAnswer(reason: string, url: string): ConnectionError {
  const [, code, hint] = HINTS.find(([pattern]) => pattern.test(reason)) ?? []
  return new ConnectionError(`cannot reach ${url}: ${reason}${hint ? ` (${hint})` : ''}`, {
    code: code ?? 'PIO_ES_UNREACHABLE',
  })
}
