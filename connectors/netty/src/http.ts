import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { type Emit, isConnectorError, type SourceContext } from '@pulsar-io/sdk'
import { Budget } from './budget.ts'
import { busy, checkHeaders, Refusal, type Reservation, readBody, valuesOf } from './http-body.ts'
import { envelopeOf, tokenCheck } from './http-headers.ts'
import { type Listener, listenTcp, tallyRefusals, trackSockets } from './listen.ts'
import type { Config } from './options.ts'
import { publish, type Result } from './publication.ts'
import { Tally } from './tally.ts'
import { tlsOptions } from './tls.ts'
import { type ToValue, toValue } from './values.ts'
import { messageOf, settlesWithin } from './wait.ts'

/** Memory that a request takes besides its body, roughly; it also bounds how many empty ones can be under way. */
const OVERHEAD = 2048

/** Milliseconds between looks at connections that are too slow. */
const LOOK_EVERY_MS = 1_000

/** Takes records from POST and PUT requests, and answers when they are published. */
export class HttpListener implements Listener {
  readonly #config: Config
  readonly #context: SourceContext
  readonly #emit: Emit
  readonly #tally: Tally
  readonly #toValue: ToValue
  readonly #budget: Budget
  readonly #allowed: (request: IncomingMessage) => boolean
  #server: Server | undefined
  #sockets: ReadonlySet<Socket> = new Set()
  #underWay = 0
  #stopping = false
  #idle: (() => void) | undefined

  constructor(config: Config, context: SourceContext, emit: Emit) {
    this.#config = config
    this.#context = context
    this.#emit = emit
    this.#tally = new Tally(context.logger, context.metrics)
    this.#toValue = toValue(config.schemaType)
    this.#budget = new Budget(config.maxBufferedBytes)
    this.#allowed = tokenCheck(config.token)
  }

  async listen(): Promise<number> {
    const { tls, headersTimeout, requestTimeout, keepAliveTimeout, maxConnections } = this.#config
    const secure = await tlsOptions(tls)
    const settings = {
      headersTimeout: Math.min(headersTimeout, requestTimeout),
      requestTimeout,
      keepAliveTimeout,
      connectionsCheckingInterval: LOOK_EVERY_MS,
    }
    const server = secure ? createTlsServer({ ...settings, ...secure }) : createServer(settings)
    server.maxConnections = maxConnections
    server.on('request', (request, response) => void this.#handle(request, response))
    server.on('checkContinue', (request, response) => void this.#handle(request, response))
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => this.#clientError(error, socket))
    tallyRefusals(server, this.#tally)
    this.#sockets = trackSockets(server)
    this.#server = server
    return listenTcp(server, this.#config, this.#context)
  }

  async close(): Promise<void> {
    this.#stopping = true
    const server = this.#server
    if (server?.listening) {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      if (this.#underWay > 0) {
        const idle = new Promise<void>(resolve => {
          this.#idle = resolve
        })
        await settlesWithin(idle, this.#config.closeTimeout)
      }
      server.closeIdleConnections()
      // Answers that are written but not sent yet get a moment; then nothing is left to wait for.
      await settlesWithin(closed, 100)
      for (const socket of this.#sockets) socket.destroy()
      await closed
    }
    this.#tally.close()
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#underWay++
    const memory = this.#reserve()
    try {
      const records = await this.#records(request, response, memory)
      const publishing = publish(this.#emit, records, () => memory.release())
      await this.#answerPublished(response, publishing, records.length)
    } catch (error) {
      memory.release()
      if (error instanceof Refusal) {
        this.#tally.add(
          'netty_refused_requests',
          `request answered ${error.status}`,
          `${error.message} (from ${request.socket.remoteAddress ?? 'unknown'})`,
        )
        answer(response, error.status, { error: error.message, published: 0 }, error.headers)
      } else if (request.errored || request.destroyed) {
        this.#tally.add('netty_failed_connections', 'connection lost in the middle of a request', messageOf(error))
        response.destroy()
      } else {
        this.#context.logger.error('a request failed unexpectedly', { reason: messageOf(error) })
        answer(response, 500, { error: 'internal error', published: 0 })
      }
    } finally {
      if (--this.#underWay === 0) this.#idle?.()
    }
  }

  /** Everything that can be wrong with a request comes out here, before anything is published. */
  async #records(request: IncomingMessage, response: ServerResponse, memory: Reservation) {
    this.#check(request)
    const envelope = envelopeOf(request, this.#config)
    memory.grow(OVERHEAD)
    if (request.headers.expect !== undefined) response.writeContinue()
    const body = await readBody(request, this.#config, memory)
    const values = valuesOf(body, request, this.#config, this.#toValue)
    memory.grow(values.length * 64)
    return values.map(value => ({ ...envelope, value }))
  }

  #check(request: IncomingMessage): void {
    if (this.#stopping) throw new Refusal(503, 'shutting down', { 'retry-after': '1', connection: 'close' })
    if (!this.#allowed(request)) throw new Refusal(401, 'wrong or missing token', { 'www-authenticate': 'Bearer' })
    const { path } = this.#config
    const asked = request.url?.split('?')[0]
    if (path !== '' && asked !== path) throw new Refusal(404, `nothing here; records go to ${path}`)
    if (request.method !== 'POST' && request.method !== 'PUT')
      throw new Refusal(405, `${request.method} is not supported; send records with POST or PUT`, {
        allow: 'POST, PUT',
      })
    checkHeaders(request, this.#config)
  }

  async #answerPublished(response: ServerResponse, publishing: Promise<Result>, count: number): Promise<void> {
    const { publishTimeout } = this.#config
    if (!(await settlesWithin(publishing, publishTimeout))) {
      const message = `not confirmed within publishTimeout, ${publishTimeout} ms; the records may still be published`
      this.#tally.add('netty_failed_requests', 'request answered 504', message)
      answer(response, 504, { error: message, records: count }, { 'retry-after': '1' })
      return
    }
    const { published, error } = await publishing
    if (!error) return answer(response, 200, { published })
    const status = statusOf(error)
    this.#tally.add('netty_failed_requests', `request answered ${status}`, error.message)
    const body = {
      error: `${published} of ${count} records were published: ${error.message}`,
      ...(isConnectorError(error) ? { code: error.code } : {}),
      published,
    }
    answer(response, status, body, status === 503 ? { 'retry-after': '1' } : {})
  }

  #reserve(): Reservation {
    let held = 0
    return {
      grow: bytes => {
        if (!this.#budget.take(bytes))
          throw busy(`requests under way fill maxBufferedBytes, ${this.#config.maxBufferedBytes} bytes; try again`)
        held += bytes
      },
      shrink: bytes => {
        this.#budget.give(bytes)
        held -= bytes
      },
      release: () => {
        this.#budget.give(held)
        held = 0
      },
    }
  }

  /** What no request could be made of: too slow, too many headers, or no HTTP at all. */
  #clientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const { code = '' } = error
    const [status, message] =
      code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'the request took too long']
        : code === 'HPE_HEADER_OVERFLOW'
          ? ['431 Request Header Fields Too Large', 'the headers are too large']
          : ['400 Bad Request', 'this is no HTTP request']
    // Anything else comes from the connection, on which no answer arrives.
    if (!(code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT') || !socket.writable) {
      socket.destroy()
      return
    }
    this.#tally.add('netty_refused_requests', `request answered ${status}`, `${message}: ${error.message}`)
    const body = JSON.stringify({ error: message, published: 0 })
    socket.end(
      `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      () => socket.destroy(),
    )
  }
}

/** A value that can never go in is the client's to correct; anything else may go well the next time. */
function statusOf(error: Error): number {
  if (!isConnectorError(error)) return 502
  if (error.retry === 'reject') return 422
  return error.retry === 'stop' ? 502 : 503
}

function answer(
  response: ServerResponse,
  status: number,
  body: { readonly [name: string]: unknown },
  headers: { readonly [name: string]: string } = {},
): void {
  // The client went away meanwhile: there is nobody to tell.
  if (response.destroyed || response.headersSent) return
  const text = Buffer.from(`${JSON.stringify(body)}\n`)
  // A client that was not asked to send its body may do so or not: only a new connection is safe.
  const awaited = response.req.headers.expect !== undefined && !response.req.complete ? { connection: 'close' } : {}
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': text.length, ...awaited, ...headers })
    .end(text)
}
