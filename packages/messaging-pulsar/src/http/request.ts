import type { IncomingMessage } from 'node:http'
import type { ConnectionOptions } from 'node:tls'

/** One request over HTTP. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** How to speak TLS with the host of an `https` URL. */
  readonly tls?: ((host: string) => Promise<ConnectionOptions>) | undefined
  /** Milliseconds for all of it, redirects included. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** What came back, whatever its status. */
export interface HttpAnswer {
  readonly status: number
  readonly body: string
}

const MAX_REDIRECTS = 8
/** Brokers answer with lists of topics; more than this is nothing that was asked for. */
const MAX_BODY_BYTES = 64 << 20

/**
 * Sends one request and follows redirects with method, body and headers as they are: a broker sends on to the one
 * that owns the namespace or topic. Rejects with the error of the network, of TLS, or of the signal.
 */
export async function httpRequest(request: HttpRequest): Promise<HttpAnswer> {
  const limit = AbortSignal.timeout(request.timeoutMs)
  const signal = request.signal === undefined ? limit : AbortSignal.any([limit, request.signal])
  let url = new URL(request.url)
  for (let redirects = 0; ; redirects += 1) {
    const response = await send(url, request, signal)
    const { location } = response.headers
    const status = response.statusCode ?? 0
    if (location === undefined || ![301, 302, 307, 308].includes(status)) {
      return { status, body: await readBody(response) }
    }
    response.resume()
    if (redirects === MAX_REDIRECTS) throw new Error(`more than ${MAX_REDIRECTS} redirects, the last to ${location}`)
    const next = new URL(location, url)
    if (url.protocol === 'https:' && next.protocol !== 'https:') {
      throw new Error(`${url.origin} redirects to ${next.origin}, which is not protected by TLS`)
    }
    url = next
  }
}

async function send(url: URL, request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const secure = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const tls = secure ? await request.tls?.(host) : undefined
  const options = { method: request.method, headers: { ...request.headers }, signal, ...tls }
  // Loaded when it is needed: `node:http` takes longer to load than all of this client, which may never need it.
  const { request: open } = secure ? await import('node:https') : await import('node:http')
  return new Promise((resolve, reject) => {
    const outgoing = open(url, options, resolve)
    outgoing.once('error', reject)
    outgoing.end(request.body)
  })
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Leaving the loop early destroys the response.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new Error(`the answer is larger than ${MAX_BODY_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
