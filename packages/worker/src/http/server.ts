import type { IncomingMessage } from 'node:http'
import multipart from '@fastify/multipart'
import rateLimit from '@fastify/rate-limit'
import type { LogLevel } from '@pulsar-io/engine'
import { isConnectorError, type LogFields, parseJson, stringifyJson } from '@pulsar-io/sdk'
import { type FastifyError, type FastifyInstance, fastify } from 'fastify'
import * as z from 'zod'
import type { AuthOptions, WorkerLimits, WorkerOptions } from '../options.ts'
import { ReplyError } from '../reply-error.ts'
import { type MethodsOf, methodsByPath } from './methods.ts'
import { openApi } from './openapi.ts'

/** What the server needs to know besides its routes. */
export interface ServerParts {
  readonly tls: WorkerOptions['tls']
  readonly limits: WorkerLimits
  /** What the OpenAPI document says of credentials; the guards ask for them. */
  readonly auth: AuthOptions | undefined
  readonly version: string
  readonly log: (level: LogLevel, message: string, fields?: LogFields) => void
}

const REQUEST_ID = /^[\w.:-]{1,128}$/

/** Makes the HTTP server: bodies, errors, limits, log and the OpenAPI document. Routes and guards come later. */
export async function createServer({ tls, limits, auth, version, log }: ServerParts): Promise<FastifyInstance> {
  const timing = {
    headersTimeout: limits.headersTimeoutMs,
    // How often clients that are too slow are looked for; Node's 30 s would let them stay.
    connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
  }
  const app = fastify({
    ...(tls === undefined ? { http: timing } : { https: { ...timing, cert: pem(tls.cert), key: pem(tls.key) } }),
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    logger: false,
    routerOptions: { maxParamLength: 1_000 },
    genReqId: (request: IncomingMessage) => {
      const given = request.headers['x-request-id']
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : crypto.randomUUID()
    },
  } as object) as FastifyInstance
  bodies(app)
  errors(app, methodsByPath(app), log)
  accessLog(app, log)
  await app.register(multipart, { limits: { files: 2, fields: 8, parts: 10, headerPairs: 50, fieldNameSize: 100 } })
  if (limits.requestsPerSecond > 0) {
    await app.register(rateLimit, {
      global: false,
      max: limits.requestsPerSecond,
      timeWindow: 1_000,
      errorResponseBuilder: (_, { max }) =>
        new ReplyError(429, `more than ${max} requests in a second; try again later`),
    })
    // Before the guards, whose hooks come later: guesses of a password count, and so do paths that are none.
    app.addHook('onRequest', app.rateLimit())
  }
  await openApi(app, version, auth)
  return app
}

/** JSON that keeps long numbers; an empty body, as Java's client sends one, is none. */
function bodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_, body, done) => {
    const text = body.toString()
    try {
      done(null, text.trim() === '' ? undefined : parseJson(text))
    } catch (error) {
      done(new ReplyError(400, `the body is not JSON (${(error as Error).message})`), undefined)
    }
  })
  app.addContentTypeParser(
    ['text/plain', 'application/x-www-form-urlencoded'],
    { parseAs: 'string' },
    (_, body, done) => done(null, body.length === 0 ? undefined : body),
  )
  app.setValidatorCompiler(({ schema, httpPart }) => {
    // Bodies are checked by who uses them: they come in two shapes.
    if (httpPart === 'body' || !(schema instanceof z.ZodType)) return value => ({ value })
    return value => {
      const result = schema.safeParse(value)
      const empty = httpPart === 'querystring' && result.success ? emptyOnes(value, result.data) : []
      if (result.success && empty.length === 0) return { value: result.data }
      const issues = (result.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`)
      return { error: new ReplyError(400, [...issues, ...empty].join('\n')) }
    }
  })
  app.setSerializerCompiler(() => value => stringifyJson(value))
}

/** What has a name and no value, of what is used: read as a number, `?before=` would be a 0 that nobody meant. */
function emptyOnes(given: unknown, used: unknown): readonly string[] {
  if (typeof given !== 'object' || given === null || typeof used !== 'object' || used === null) return []
  const names = Object.entries(given).flatMap(([name, value]) => (value === '' && name in used ? [name] : []))
  return names.map(name => `${name}: is empty; give it a value, or leave it out`)
}

function errors(app: FastifyInstance, methodsOf: MethodsOf, log: ServerParts['log']): void {
  app.setErrorHandler((error: FastifyError | Error, request, reply) => {
    const { status, reason } = answerTo(error, request.id)
    if (status >= 500 && status !== 503) {
      log('error', 'a request failed', { requestId: request.id, reason: error.message, stack: error.stack })
    }
    return reply.code(status).type('application/json').send({ reason })
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const methods = methodsOf(path)
    const reason = `there is no ${request.method} ${path}`
    reply.type('application/json')
    if (methods.length === 0) return reply.code(404).send({ reason })
    return reply
      .code(405)
      .header('allow', methods.join(', '))
      .send({ reason: `${reason}; there is ${methods.join(', ')}` })
  })
}

function answerTo(
  error: FastifyError | Error,
  requestId: string,
): { readonly status: number; readonly reason: string } {
  if (error instanceof ReplyError) return { status: error.status, reason: error.message }
  if (isConnectorError(error)) {
    // What is away comes back; what is wrong is the request's.
    const away = error.retry === 'reconnect' || error.retry === 'block'
    return { status: away ? 503 : error.code === 'PIO_WORKER_NOT_LEADER' ? 503 : 400, reason: error.message }
  }
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500
  if (status >= 400 && status < 500) return { status, reason: error.message }
  return { status: 500, reason: `something is wrong in the worker; its log has more under the request id ${requestId}` }
}

/** One line for each request; changes are worth more than looks. */
function accessLog(app: FastifyInstance, log: ServerParts['log']): void {
  app.decorateRequest('role', 'anonymous')
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  app.addHook('onResponse', async (request, reply) => {
    const { method, url, ip, role, id } = request
    log(method === 'GET' && reply.statusCode < 500 ? 'debug' : 'info', 'request', {
      method,
      // Without the query: it may hold what is nobody's business.
      path: url.split('?', 1)[0],
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      role,
      ip,
      requestId: id,
    })
  })
}

function pem(text: string | Uint8Array): string | Buffer {
  return typeof text === 'string' ? text : Buffer.from(text)
}
