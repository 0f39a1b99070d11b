import type { ConnectorKind } from '@pulsar-io/sdk'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { configSchemaOf } from '../kinds.ts'
import type { Access } from '../security/access.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks: their role, or `anonymous` where nobody has to say. */
    role: string
  }
  interface FastifyContextConfig {
    /** Default `somebody`. */
    access?: Access
    /** Only the leader does it; others pass the request on. */
    byLeader?: boolean
    /** Answered before everything is loaded, too. */
    early?: boolean
  }
}

/** One route of the REST API, as data: OpenAPI, checks and answers come from it. */
export interface Route<P extends z.ZodType = z.ZodType, Q extends z.ZodType = z.ZodType> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly summary: string
  readonly tag: string
  readonly access?: Access
  readonly byLeader?: boolean
  readonly early?: boolean
  /** Not part of the OpenAPI document: another spelling of a path. */
  readonly hidden?: boolean
  readonly params?: P
  readonly query?: Q
  /** A body that brings a connector of this kind. */
  readonly brings?: ConnectorKind
  /** Any other body, for the OpenAPI document; whoever uses it checks it. */
  readonly body?: z.ZodType
  /** What is answered; absent: 204 and nothing. */
  readonly answer?: z.ZodType
  /** Anything but 204 with JSON, for example text. */
  readonly contentType?: string
  handle(request: TypedRequest<P, Q>, reply: FastifyReply): Promise<unknown>
}

/** A request whose path and query were checked. */
export interface TypedRequest<P extends z.ZodType, Q extends z.ZodType> {
  readonly params: z.output<P>
  readonly query: z.output<Q>
  readonly raw: FastifyRequest
}

/** Keeps the types of one route's parts together. */
export function route<P extends z.ZodType = z.ZodType<object>, Q extends z.ZodType = z.ZodType<object>>(
  made: Route<P, Q>,
): Route {
  return made as unknown as Route
}

/** Gives the server a route. */
export function addRoute(app: FastifyInstance, made: Route): void {
  app.route({
    method: made.method,
    url: made.path,
    config: {
      access: made.access ?? 'somebody',
      byLeader: made.byLeader ?? false,
      early: made.early ?? false,
    },
    schema: {
      summary: made.summary,
      tags: [made.tag],
      hide: made.hidden ?? false,
      ...(made.params === undefined ? {} : { params: made.params }),
      ...(made.query === undefined ? {} : { querystring: made.query }),
      ...(made.brings === undefined ? {} : { body: bodiesOf(made.brings) }),
      ...(made.body === undefined ? {} : { body: made.body }),
      response: { ...answerOf(made), default: reasonSchema },
    },
    handler: async (request, reply) => {
      const typed = { params: request.params, query: request.query, raw: request }
      const answer = await made.handle(typed as TypedRequest<z.ZodType, z.ZodType>, reply)
      if (reply.sent) return reply
      if (answer === undefined) return reply.code(204).send()
      return answer
    },
  })
}

/** How every refusal looks. */
const reasonSchema = z.object({ reason: z.string() }).meta({ description: 'Why not' })

function answerOf({ answer, contentType }: Route): { readonly [status: string]: object } {
  if (answer === undefined) return { 204: z.null().meta({ description: 'Done' }) }
  return { 200: contentType === undefined ? answer : { content: { [contentType]: { schema: answer } } } }
}

/** A configuration alone, or Pulsar's multipart form. Tenant, namespace and name are those of the path. */
function bodiesOf(kind: ConnectorKind): object {
  const config = configSchemaOf(kind)
  const form = z.looseObject({
    [`${kind}Config`]: config,
    data: z.string().optional().meta({ description: 'The archive', format: 'binary' }),
    url: z.string().optional().meta({ description: 'An address of the archive that the worker allows' }),
  })
  return { content: { 'application/json': { schema: config }, 'multipart/form-data': { schema: form } } }
}
