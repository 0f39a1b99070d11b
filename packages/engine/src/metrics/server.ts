import type { Server, ServerResponse } from 'node:http'
import { ConnectionError } from '@pulsar-io/sdk/core'
import type { RunningConnector } from '../api.ts'
import { openMetrics } from './metrics.ts'

/** A server that tells how connectors are doing. */
export interface MetricsServer {
  /** `http://host:port`. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves `/metrics` (Prometheus text), `/status` (JSON by connector) and `/healthz` (503 while an instance is not running).
 *
 * @param running the connectors at the moment; undefined while they are starting
 * @param port 0 takes a free one
 * @throws ConnectionError `PIO_PORT_IN_USE` when the port is taken, `PIO_LISTEN` when it cannot be opened for another reason
 */
export async function serveMetrics(
  running: () => readonly RunningConnector[] | undefined,
  { port, host = '127.0.0.1' }: { readonly port: number; readonly host?: string },
): Promise<MetricsServer> {
  const connectors = () => running() ?? []
  // Loaded here: a run without a metrics port starts faster without them (node:http as a module brings undici along).
  const [metrics, { createServer }] = await Promise.all([openMetrics(connectors), import('node:http')])

  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405, 'text/plain', 'only GET\n')
    if (path === '/status')
      return answer(response, 200, 'application/json', `${JSON.stringify(statuses(connectors()), undefined, 2)}\n`)
    if (path === '/healthz') return health(response, running())
    if (path !== '/metrics') return answer(response, 404, 'text/plain', 'try /metrics, /status or /healthz\n')
    metrics.text().then(
      text => answer(response, 200, metrics.contentType, text),
      error => answer(response, 500, 'text/plain', `${error}\n`),
    )
  })
  try {
    await listen(server, port, host)
  } catch (error) {
    metrics.close()
    throw error
  }
  const address = server.address()
  const actual = typeof address === 'object' && address ? address.port : port
  return {
    url: `http://${host}:${actual}`,
    close: () => {
      metrics.close()
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}

function statuses(connectors: readonly RunningConnector[]): object {
  return connectors.map(connector => ({
    kind: connector.kind,
    fqn: connector.fqn,
    topics: connector.topics,
    ...connector.status(),
  }))
}

function health(response: ServerResponse, connectors: readonly RunningConnector[] | undefined): void {
  const ill = connectors?.flatMap(connector =>
    connector
      .snapshots()
      .flatMap(({ instanceId, state, reason }) =>
        state === 'running' || state === 'finished'
          ? []
          : [`${connector.fqn} instance ${instanceId} is ${state}${reason ? `: ${reason}` : ''}`],
      ),
  ) ?? ['starting']
  answer(response, ill.length === 0 ? 200 : 503, 'text/plain', `${ill.length === 0 ? 'ok' : ill.join('\n')}\n`)
}

function answer(response: ServerResponse, code: number, type: string, body: string): void {
  response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new ConnectionError(
              `port ${port} on ${host} is taken by another program; choose another --metrics-port, or 0 for a free one`,
              { code: 'PIO_PORT_IN_USE', cause: error },
            )
          : new ConnectionError(`cannot listen on ${host}:${port}: ${error.message}`, {
              code: 'PIO_LISTEN',
              cause: error,
            }),
      )
    })
    server.listen(port, host, resolve)
  })
}
