import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A request as it came. */
export interface Recorded {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** What the server says: recorded from Apache Pulsar 4.0.8 where it is its business. */
export interface Reply {
  readonly status: number
  readonly body?: string
  readonly headers?: { readonly [name: string]: string }
}

/** A server that answers each request with the next reply, the last one for ever. */
export async function recordedServer(...replies: (Reply | ((response: ServerResponse) => void))[]) {
  const requests: Recorded[] = []
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    const reply = replies[Math.min(requests.length, replies.length - 1)]
    requests.push({ method, path: url, headers, body: (await buffer(request)).toString('latin1') })
    if (typeof reply === 'function') {
      reply(response)
      return
    }
    const { status = 204, body, headers: more } = reply ?? {}
    response.writeHead(status, { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...more })
    response.end(body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(resolve))
    },
  }
}

/** As Pulsar says no. */
export const reason = (status: number, text: string): Reply => ({ status, body: JSON.stringify({ reason: text }) })

/** Jetty's page for a route that there is not. */
export const JETTY_404: Reply = {
  status: 404,
  headers: { 'content-type': 'text/html;charset=iso-8859-1' },
  body: '<html>\n<head>\n<title>Error 404 Not Found</title>\n</head>\n<body><h2>HTTP ERROR 404 Not Found</h2>\n<table>\n<tr><th>URI:</th><td>/admin/v3/sink/public/default</td></tr>\n<tr><th>STATUS:</th><td>404</td></tr>\n<tr><th>MESSAGE:</th><td>Not Found</td></tr>\n</table>\n</body>\n</html>\n',
}
