import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConfigError, ConnectionError } from '@pulsar-io/sdk'

/** What the server answers with. */
export interface MetricsAnswers {
  /** Prometheus text. */
  metrics(): Promise<string>
  /** JSON. */
  status(): unknown
}

/** A small server on the loopback address. */
export interface MetricsServer {
  readonly url: string
  close(): Promise<void>
}

/** The content type of Prometheus' text format, version 0.0.4. */
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8'

/** Starts the server; port 0 takes a free one. Throws a ConnectionError (`PIO_METRICS_PORT`) when the port is taken. */
export async function startMetricsServer(port: number, answers: MetricsAnswers): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const send = (status: number, type: string, body: string) => {
      response.writeHead(status, { 'content-type': type }).end(body)
    }
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (request.method !== 'GET' && request.method !== 'HEAD') send(405, 'text/plain', 'only GET\n')
    else if (path === '/status') send(200, 'application/json', `${JSON.stringify(answers.status(), null, 2)}\n`)
    else if (path === '/metrics') {
      answers.metrics().then(
        text => send(200, PROMETHEUS, text),
        (error: unknown) => send(500, 'text/plain', `${String(error)}\n`),
      )
    } else send(404, 'text/plain', 'there are /metrics and /status\n')
  })
  // Metrics never keep a run alive that is over.
  server.unref()
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(portError(port, error)))
    server.listen(port, '127.0.0.1', resolve)
  })
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${bound}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function portError(port: number, error: NodeJS.ErrnoException): Error {
  if (error.code === 'EADDRINUSE') {
    return new ConnectionError(
      `--metrics-port: port ${port} of 127.0.0.1 is taken; give another one, or 0 for a free one`,
      {
        code: 'PIO_METRICS_PORT',
        cause: error,
      },
    )
  }
  const message = `cannot listen on port ${port} of 127.0.0.1: ${error.message}`
  return new ConfigError([{ path: '--metrics-port', message }], { code: 'PIO_METRICS_PORT', cause: error })
}
