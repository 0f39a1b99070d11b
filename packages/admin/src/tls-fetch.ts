import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { AdminTls } from './options.ts'

/**
 * `fetch` with certificates of one's own, which the global one takes from nobody but its own library. Only what the
 * client needs of it: no redirects, no caching, a body that is a text or a Blob.
 */
export function tlsFetch(tls: AdminTls): typeof fetch {
  const options = {
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    rejectUnauthorized: tls.allowInsecure !== true,
    ...(tls.verifyHostname === false ? { checkServerIdentity: () => undefined } : {}),
  }
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const headers = Object.fromEntries(new Headers(init.headers))
    const body = init.body instanceof Blob || typeof init.body === 'string' ? new Blob([init.body]) : undefined
    if (body !== undefined) headers['content-length'] = String(body.size)
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = request(
        url,
        { method: init.method ?? 'GET', headers, signal: init.signal ?? undefined, ...options },
        resolve,
      )
      outgoing.once('error', reject)
      if (body === undefined) outgoing.end()
      // An answer may come before all is sent: a server that refuses an upload does not read it to its end.
      else pipeline(Readable.fromWeb(body.stream()), outgoing).catch(reject)
    })
    const status = incoming.statusCode ?? 0
    const answered = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
      values.map(value => [name, value] as [string, string]),
    )
    const empty = status === 204 || status === 205 || status === 304
    if (empty) incoming.resume()
    return new Response(empty ? null : (Readable.toWeb(incoming) as ReadableStream), { status, headers: answered })
  }
}
