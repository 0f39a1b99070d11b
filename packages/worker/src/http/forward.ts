import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { WorkerInfo } from '../coordination.ts'
import { ReplyError } from '../reply-error.ts'

/** Says that another worker passed a request on, and which. It is not passed on again. */
export const FORWARDED_BY = 'pulsar-io-forwarded-by'

/** Milliseconds that another worker may take to answer a question. */
const ASK_TIMEOUT_MS = 5_000
/** Milliseconds that the leader may take for a change. */
const CHANGE_TIMEOUT_MS = 120_000

/** Headers that belong to one connection. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'host',
  'expect',
  'content-length',
])

/** Passes a request on to another worker, and its answer back. Throws a ReplyError (503) when it does not answer. */
export async function passOn(
  request: FastifyRequest,
  reply: FastifyReply,
  to: WorkerInfo,
  workerId: string,
): Promise<void> {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name)) headers.set(name, String(value))
  }
  headers.set(FORWARDED_BY, workerId)
  headers.set('x-request-id', request.id)
  const bodiless = request.method === 'GET' || request.method === 'DELETE'
  const answer = await asked(to, () =>
    fetch(to.url + request.url, {
      method: request.method,
      headers,
      signal: AbortSignal.timeout(CHANGE_TIMEOUT_MS),
      ...(bodiless ? {} : { body: Readable.toWeb(request.raw), duplex: 'half' }),
    } as RequestInit),
  )
  const body = Buffer.from(await answer.arrayBuffer())
  const type = answer.headers.get('content-type')
  if (type !== null) reply.header('content-type', type)
  reply.code(answer.status)
  await reply.send(body.length === 0 ? undefined : body)
}

/** Asks another worker for JSON, with the credentials of who asks us. Throws a ReplyError (503) when it does not answer. */
export async function askWorker(
  request: FastifyRequest,
  to: WorkerInfo,
  path: string,
  workerId: string,
): Promise<unknown> {
  const { authorization } = request.headers
  const answer = await asked(to, () =>
    fetch(to.url + path, {
      headers: {
        [FORWARDED_BY]: workerId,
        'x-request-id': request.id,
        ...(authorization === undefined ? {} : { authorization }),
      },
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    }),
  )
  const text = await answer.text()
  if (!answer.ok)
    throw new ReplyError(answer.status, `the worker ${to.workerId} answered ${answer.status}: ${text.slice(0, 500)}`)
  return JSON.parse(text)
}

async function asked(to: WorkerInfo, ask: () => Promise<Response>): Promise<Response> {
  try {
    return await ask()
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ReplyError(503, `the worker ${to.workerId} does not answer at ${to.url} (${why}); try again`, {
      cause: error,
    })
  }
}
