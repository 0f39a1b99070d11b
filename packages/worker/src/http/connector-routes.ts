import * as z from 'zod'
import type { Builtins } from '../connectors/builtins.ts'
import { configDefinition, configSchema, connectorDefinition } from '../connectors/definition.ts'
import type { Actor, ConnectorService, GivenConnector } from '../connectors/service.ts'
import { type Fqn, KINDS, type KindFacts } from '../kinds.ts'
import { ReplyError } from '../reply-error.ts'
import {
  type DeadLetterService,
  deadLettersAnswer,
  deadLettersQuery,
  replayAnswer,
  replayQuery,
} from '../running/dead-letters.ts'
import { type Offsets, offsetsAnswer, offsetsGiven } from '../running/offsets.ts'
import type { StatusService } from '../running/status.ts'
import { type Route, route, type TypedRequest } from './route.ts'
import { type UploadOptions, withGiven } from './upload.ts'

/** What the routes of sinks and sources work with. */
export interface ConnectorRouteParts {
  readonly service: () => ConnectorService
  readonly status: () => StatusService
  readonly offsets: () => Offsets
  readonly deadLetters: () => DeadLetterService
  readonly builtins: Builtins
  readonly uploads: UploadOptions
  /** Looks at the connectors folder anew. */
  readonly reload: () => Promise<void>
}

const part = z.string().regex(/^[-=:.\w]+$/, 'must be letters, digits and - = : . _')
const namespaceParams = z.object({ tenant: part, namespace: part })
const connectorParams = z.object({ tenant: part, namespace: part, name: part })
const instanceParams = z.object({
  tenant: part,
  namespace: part,
  name: part,
  instanceId: z.coerce
    .number({ error: 'must be a whole number' })
    .int('must be a whole number')
    .min(0, 'must be 0 or more'),
})
const logQuery = z.object({
  since: z.coerce.number().min(0).default(0).meta({ description: 'Lines behind this number (`seq`)' }),
  limit: z.coerce.number().int().min(1).max(1_000).default(200).meta({ description: 'Lines at most; the latest' }),
})

const configAnswer = z.looseObject({ tenant: z.string(), namespace: z.string(), name: z.string() })
const instanceStatus = z.looseObject({ running: z.boolean(), error: z.string(), workerId: z.string() })
const statusAnswer = z.object({
  numInstances: z.int(),
  numRunning: z.int(),
  instances: z.array(z.object({ instanceId: z.int(), status: instanceStatus })),
})
export const definitionAnswer = z.object({ name: z.string(), description: z.string() }).loose()
const fieldAnswer = z.object({
  fieldName: z.string(),
  typeName: z.string(),
  attributes: z.record(z.string(), z.string()),
})
const schemaAnswer = z.looseObject({})
const logLine = z.looseObject({ seq: z.int(), level: z.string(), time: z.number(), message: z.string() })

/** The routes of sinks and sources: one list, for both kinds and both spellings of their paths. */
export function connectorRoutes(parts: ConnectorRouteParts): readonly Route[] {
  return Object.values(KINDS).flatMap(facts =>
    facts.paths.flatMap((path, i) =>
      routesOf(facts, parts).map(each => ({ ...each, path: `/admin/v3/${path}${each.path}`, hidden: i > 0 })),
    ),
  )
}

function routesOf(
  facts: KindFacts,
  { service, status, offsets, deadLetters, builtins, uploads, reload }: ConnectorRouteParts,
): readonly Route[] {
  const { kind, title } = facts
  const tag = `${kind}s`
  const one = { tag, access: 'namespace', params: connectorParams } as const
  const instance = { tag, access: 'namespace', params: instanceParams } as const
  const change = { byLeader: true } as const

  const actions = (['start', 'stop', 'restart', 'pause', 'resume'] as const).flatMap(action => {
    const act = (fqn: Fqn, instanceId: number | undefined, actor: Actor) => {
      if (action === 'restart') return service().restart(facts, fqn, instanceId, actor)
      if (action === 'pause' || action === 'resume')
        return service().setPaused(facts, fqn, action === 'pause', instanceId, actor)
      return service().setStarted(facts, fqn, action === 'start', instanceId, actor)
    }
    return [
      route({
        ...one,
        ...change,
        method: 'POST',
        path: `/:tenant/:namespace/:name/${action}`,
        summary: `${capital(action)} all instances`,
        handle: request => act(request.params, undefined, actorOf(request)),
      }),
      route({
        ...instance,
        ...change,
        method: 'POST',
        path: `/:tenant/:namespace/:name/:instanceId/${action}`,
        summary: `${capital(action)} one instance`,
        handle: request => act(fqnOf(request.params), request.params.instanceId, actorOf(request)),
      }),
    ]
  })
  const bringing = (
    method: 'POST' | 'PUT',
    summary: string,
    use: (fqn: Fqn, given: GivenConnector, actor: Actor) => Promise<void>,
  ) =>
    route({
      ...one,
      ...change,
      method,
      path: '/:tenant/:namespace/:name',
      summary,
      brings: kind,
      handle: request =>
        withGiven(request.raw, facts, uploads, given =>
          use(request.params, { ...given, ifVersion: ifMatch(request) }, actorOf(request)),
        ),
    })

  return [
    bringing('POST', `Create a ${kind}`, (fqn, given, actor) => service().create(facts, fqn, given, actor)),
    bringing('PUT', `Change a ${kind}`, (fqn, given, actor) => service().update(facts, fqn, given, actor)),
    route({
      ...one,
      ...change,
      method: 'DELETE',
      path: '/:tenant/:namespace/:name',
      summary: `Delete a ${kind}`,
      handle: request => service().delete(facts, request.params, actorOf(request)),
    }),
    route({
      ...one,
      method: 'GET',
      path: '/:tenant/:namespace/:name',
      summary: `Configuration of a ${kind}; its version is the ETag`,
      answer: configAnswer,
      handle: async (request, reply) => {
        const record = service().get(facts, request.params)
        reply.header('etag', `"${record.version}"`)
        // Who applies a file wants to know whether it has to send its archive.
        if (record.package.type === 'stored') reply.header('x-pulsar-io-archive-sha256', record.package.sha256)
        return service().shown(record)
      },
    }),
    route({
      tag,
      access: 'namespace',
      params: namespaceParams,
      method: 'GET',
      path: '/:tenant/:namespace',
      summary: `Names of the ${kind}s`,
      answer: z.array(z.string()),
      handle: async ({ params }) => service().list(kind, params.tenant, params.namespace),
    }),
    route({
      ...one,
      method: 'GET',
      path: '/:tenant/:namespace/:name/status',
      summary: 'Status of all instances',
      answer: statusAnswer,
      handle: async ({ params, raw }) => status().ofConnector(service().get(facts, params), raw),
    }),
    route({
      ...instance,
      method: 'GET',
      path: '/:tenant/:namespace/:name/:instanceId/status',
      summary: 'Status of one instance',
      answer: instanceStatus,
      handle: async ({ params, raw }) =>
        status().ofInstance(service().getInstance(facts, fqnOf(params), params.instanceId), params.instanceId, raw),
    }),
    route({
      ...instance,
      query: logQuery,
      method: 'GET',
      path: '/:tenant/:namespace/:name/:instanceId/logs',
      summary: 'Latest log lines of one instance',
      answer: z.array(logLine),
      handle: async ({ params, query, raw }) =>
        status().logs(service().getInstance(facts, fqnOf(params), params.instanceId), params.instanceId, query, raw),
    }),
    ...actions,
    route({
      ...one,
      method: 'GET',
      path: '/:tenant/:namespace/:name/offsets',
      summary: `How far a ${kind} got`,
      answer: offsetsAnswer,
      handle: ({ params }) => offsets().read(service().get(facts, params)),
    }),
    route({
      ...one,
      ...change,
      method: 'PUT',
      path: '/:tenant/:namespace/:name/offsets',
      summary: `Move a stopped ${kind}`,
      body: offsetsGiven,
      handle: request =>
        service().whileStopped(facts, request.params, actorOf(request), record =>
          offsets().move(record, request.raw.body),
        ),
    }),
    route({
      ...one,
      ...change,
      method: 'DELETE',
      path: '/:tenant/:namespace/:name/offsets',
      summary: `Move a stopped ${kind} back to where a new one begins`,
      handle: request =>
        service().whileStopped(facts, request.params, actorOf(request), record => offsets().reset(record)),
    }),
    route({
      ...one,
      query: deadLettersQuery,
      method: 'GET',
      path: '/:tenant/:namespace/:name/dead-letters',
      summary: `Dead letters of a ${kind} that were not replayed`,
      answer: deadLettersAnswer,
      handle: ({ params, query }) => deadLetters().list(service().get(facts, params), query),
    }),
    route({
      ...one,
      query: replayQuery,
      method: 'POST',
      path: '/:tenant/:namespace/:name/dead-letters/replay',
      summary: `Publish dead letters of a ${kind} again to where they came from`,
      answer: replayAnswer,
      handle: async request => {
        const { params, query } = request
        const record = service().get(facts, params)
        const work = () => deadLetters().replay(record, query)
        return query.dryRun ? work() : service().audited(record, 'replay', actorOf(request), work)
      },
    }),
    route({
      tag,
      method: 'GET',
      path: `/${facts.builtins}`,
      summary: `Built-in ${kind}s`,
      answer: z.array(definitionAnswer),
      handle: async () => builtins.list(kind).map(({ manifest }) => connectorDefinition(manifest)),
    }),
    route({
      tag,
      method: 'GET',
      path: `/${facts.builtins}/:name/schema`,
      summary: `JSON Schema of the options of a built-in ${kind}`,
      params: z.object({ name: part }),
      answer: schemaAnswer,
      handle: async ({ params }) => {
        const found = builtins.get(params.name, kind)
        if (found === undefined) throw new ReplyError(404, `builtin ${title.toLowerCase()} does not exist`)
        return configSchema(found.manifest, kind)
      },
    }),
    route({
      ...one,
      method: 'GET',
      path: '/:tenant/:namespace/:name/schema',
      summary: `JSON Schema of the options of a ${kind}`,
      answer: schemaAnswer,
      handle: async ({ params }) => service().schema(facts, params),
    }),
    route({
      tag,
      method: 'GET',
      path: `/${facts.builtins}/:name/configdefinition`,
      summary: `Options of a built-in ${kind}`,
      params: z.object({ name: part }),
      answer: z.array(fieldAnswer),
      handle: async ({ params }) => {
        const found = builtins.get(params.name, kind)
        if (found === undefined) throw new ReplyError(404, `builtin ${title.toLowerCase()} does not exist`)
        return configDefinition(found.manifest, kind)
      },
    }),
    route({
      tag,
      access: 'super-user',
      method: 'POST',
      path: `/${facts.reload}`,
      summary: 'Look at the connectors folder anew',
      handle: reload,
    }),
  ]
}

function actorOf({ raw }: TypedRequest<z.ZodType, z.ZodType>): Actor {
  return { who: raw.role, requestId: raw.id }
}

function fqnOf({ tenant, namespace, name }: Fqn): Fqn {
  return { tenant, namespace, name }
}

/** The version that `If-Match` names; undefined where nothing is said. */
function ifMatch({ raw }: TypedRequest<z.ZodType, z.ZodType>): number | undefined {
  const header = raw.headers['if-match']
  if (header === undefined || header === '*') return undefined
  const [, version] = /^(?:W\/)?"(\d+)"$/.exec(header) ?? []
  if (version === undefined) throw new ReplyError(400, 'If-Match: must be the ETag of a GET, for example "3"')
  return Number(version)
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
