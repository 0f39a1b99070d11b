import { type ConnectorError, isConnectorError } from '@pulsar-io/sdk'
import type { Reply } from './client.ts'
import { errorOf, requestError, type ServerError, serverError } from './errors.ts'
import type { Server } from './server.ts'

/** One thing to do with one document. */
export interface Operation {
  /** `create` never replaces a document; `index` does. */
  readonly action: 'index' | 'create' | 'delete'
  readonly index: string
  readonly id: string
  /** JSON text in one line; nothing for `delete`. */
  readonly document?: string
  /** Keeps `index` and `delete` from touching a document of a larger version. */
  readonly version?: bigint | undefined
}

/** What became of each operation, in their order; undefined where it is done. */
export type BulkResult = (ConnectorError | undefined)[]

// Of an answer only this is looked at, and a thousand items say much more.
const FILTER = 'errors,items.*._id,items.*.status,items.*.error'

/**
 * Does the operations in one `_bulk` request, or in several where the server finds one too large.
 * Rejects only when nothing at all is known of what became of them.
 */
export async function bulk(
  server: Server,
  operations: readonly Operation[],
  signal?: AbortSignal,
): Promise<BulkResult> {
  const first = operations[0]
  if (!first) return []
  const single = operations.every(operation => operation.index === first.index)
  const reply = await server.wire.request({
    method: 'POST',
    path: single ? `/${encodeURIComponent(first.index)}/_bulk` : '/_bulk',
    query: { filter_path: FILTER, ...(server.pipeline === '' ? {} : { pipeline: server.pipeline }) },
    headers: server.headers.lines,
    body: bodyOf(operations, single),
    lines: true,
    ...(signal ? { signal } : {}),
  })
  if (reply.status === 200) return itemResults(reply.body, operations, server, signal)
  const error = serverError(reply.body)
  if (reply.status === 403) throw errorOf(403, error, first.index, server.where)
  if (reply.status !== 413 && !(reply.status === 400 && isAboutContent(error)))
    throw requestError(reply.status, reply.body, `write to index ${first.index}`, server.where, retryAfter(reply))
  // Somewhere in there is a document that the server cannot take: halves find it, and let the others through.
  if (operations.length === 1) return [errorOf(reply.status, error, first.index, server.where)]
  const middle = operations.length >> 1
  return [
    ...(await settled(server, operations.slice(0, middle), signal)),
    ...(await settled(server, operations.slice(middle), signal)),
  ]
}

/** As {@link bulk}, but a failure as a whole becomes the result of each: the other half may have succeeded. */
async function settled(server: Server, operations: readonly Operation[], signal?: AbortSignal): Promise<BulkResult> {
  try {
    return await bulk(server, operations, signal)
  } catch (error) {
    if (!isConnectorError(error)) throw error
    return operations.map(() => error)
  }
}

function bodyOf(operations: readonly Operation[], single: boolean): string {
  const lines: string[] = []
  for (const { action, index, id, document, version } of operations) {
    const place = single ? '' : `"_index":${JSON.stringify(index)},`
    // The same version is taken again: the record is.
    const versioned = version === undefined ? '' : `,"version":${version},"version_type":"external_gte"`
    lines.push(`{"${action}":{${place}"_id":${JSON.stringify(id)}${versioned}}}`)
    if (document !== undefined) lines.push(document)
  }
  lines.push('')
  return lines.join('\n')
}

/** A request is answered with 200 also where items failed, so the status proves nothing: each item is looked at. */
async function itemResults(
  body: unknown,
  operations: readonly Operation[],
  server: Server,
  signal: AbortSignal | undefined,
): Promise<BulkResult> {
  const { errors, items } = (body ?? {}) as { errors?: unknown; items?: unknown }
  if (errors === false) return operations.map(() => undefined)
  if (!Array.isArray(items) || items.length !== operations.length)
    throw requestError(502, 'the answer to a bulk request does not name each item', 'answer', server.where)
  const results = items.map(resultOf)
  if (results.every(({ _id }, i) => _id === undefined || _id === operations[i]?.id))
    return operations.map((operation, i) => itemResult(results[i], operation, server))
  return reordered(results, operations, server, signal)
}

/**
 * OpenSearch 2 mixes up its answer where a pipeline refuses some documents in different ways, so that each result has to
 * be found by its `_id`. Where several operations share one nobody knows which is meant, and they are done again alone;
 * that changes nothing where they were done. A pipeline that gives ids of its own is left to be right about the order.
 */
async function reordered(
  results: readonly ItemResult[],
  operations: readonly Operation[],
  server: Server,
  signal: AbortSignal | undefined,
): Promise<BulkResult> {
  const byId = Map.groupBy(results, ({ _id }) => _id)
  if (operations.some(({ id }) => !byId.has(id)))
    return operations.map((operation, i) => itemResult(results[i], operation, server))
  const found: BulkResult = []
  for (const operation of operations) {
    const own = byId.get(operation.id)
    found.push(
      own?.length === 1 ? itemResult(own[0], operation, server) : (await settled(server, [operation], signal))[0],
    )
  }
  return found
}

interface ItemResult {
  readonly _id?: string
  readonly status?: number
  readonly error?: unknown
}

/** What is inside of `{"create":{…}}`. */
function resultOf(item: unknown): ItemResult {
  return Object.values((item ?? {}) as { [action: string]: ItemResult })[0] ?? {}
}

function itemResult(result: ItemResult | undefined, operation: Operation, server: Server): ConnectorError | undefined {
  const { status = 0, error } = result ?? {}
  if (status >= 200 && status < 300) return undefined
  // The document of this very record is already there: the record was delivered again.
  if (status === 409 && operation.action === 'create') return undefined
  // A later record is there: this one was delivered again, or late.
  if (status === 409 && operation.version !== undefined) return undefined
  if (status === 404 && operation.action === 'delete') return undefined
  return errorOf(status, serverError({ error }), operation.index, server.where)
}

/**
 * The failures of a whole request for which one document is to blame. Any other 400 says that something is wrong
 * with the connector or in between, and no record must be lost for that.
 */
function isAboutContent({ type }: ServerError): boolean {
  return /^(action_request_validation|illegal_argument|(x_content_|json_)?parse|parsing|mapper_parsing|document_parsing|not_x_content)_exception$/.test(
    type,
  )
}

function retryAfter({ headers }: Reply): number | undefined {
  const seconds = Number(headers['retry-after'])
  return seconds > 0 ? seconds * 1000 : undefined
}
