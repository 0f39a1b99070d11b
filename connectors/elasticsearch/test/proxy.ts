import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TlsOptions } from 'node:tls'

/** A path to a file beside the tests. */
export const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', name)

export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
}

/** What stands between the connector and a real server, for what no server does on request. */
export interface Proxy {
  readonly url: string
  readonly seen: readonly Seen[]
  /** Answers instead of the server, when it returns true. */
  intercept: (seen: Seen, response: ServerResponse, length: number) => boolean
  [Symbol.asyncDispose](): Promise<void>
}

/** A reverse proxy in front of a real server; with `tls` it speaks TLS as `localhost`. */
export async function startProxy(target: string, tls?: TlsOptions): Promise<Proxy> {
  const seen: Seen[] = []
  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const { method = 'GET', url: path = '/', headers } = incoming
    const one = { method, path, headers }
    seen.push(one)
    if (proxy.intercept(one, response, body.length)) return
    const outgoing = request(
      `${target}${path}`,
      { method, headers: { ...headers, host: new URL(target).host, connection: 'close' }, agent: false },
      answer => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    outgoing.on('error', error => response.writeHead(502).end(error.message))
    outgoing.end(body)
  }
  const listener = (incoming: IncomingMessage, response: ServerResponse) => void handle(incoming, response)
  const server: Server = tls ? createTlsServer(tls, listener) : createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const proxy: Proxy = {
    url: tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    seen,
    intercept: () => false,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return proxy
}

/** What a TLS server needs. */
export function serverTls(more: TlsOptions = {}): TlsOptions {
  const pem = readFileSync(fixture('server.pem'))
  return { cert: pem, key: pem, ...more }
}
