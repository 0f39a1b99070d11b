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
}

/** What became of each operation, in their order; undefined where it is done. */
export type BulkResult = (ConnectorError | undefined)[]

// Of an answer only this is looked at, and a thousand items say much more.
const FILTER = 'errors,items.*.status,items.*.error'

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
    query: { filter_path: FILTER },
    headers: server.headers.lines,
    body: bodyOf(operations, single),
    lines: true,
    ...(signal ? { signal } : {}),
  })
  if (reply.status === 200) return itemResults(reply.body, operations, server)
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
  for (const { action, index, id, document } of operations) {
    const place = single ? '' : `"_index":${JSON.stringify(index)},`
    lines.push(`{"${action}":{${place}"_id":${JSON.stringify(id)}}}`)
    if (document !== undefined) lines.push(document)
  }
  lines.push('')
  return lines.join('\n')
}

/** A request is answered with 200 also where items failed, so the status proves nothing: each item is looked at. */
function itemResults(body: unknown, operations: readonly Operation[], server: Server): BulkResult {
  const { errors, items } = (body ?? {}) as { errors?: unknown; items?: unknown }
  if (errors === false) return operations.map(() => undefined)
  if (!Array.isArray(items) || items.length !== operations.length)
    throw requestError(502, 'the answer to a bulk request does not name each item', 'answer', server.where)
  return operations.map((operation, i) => itemResult(items[i], operation, server))
}

function itemResult(item: unknown, operation: Operation, server: Server): ConnectorError | undefined {
  const { status = 0, error } = Object.values((item ?? {}) as { [action: string]: Item })[0] ?? {}
  if (status >= 200 && status < 300) return undefined
  // The document of this very record is already there: the record was delivered again.
  if (status === 409 && operation.action === 'create') return undefined
  if (status === 404 && operation.action === 'delete') return undefined
  return errorOf(status, serverError({ error }), operation.index, server.where)
}

interface Item {
  readonly status?: number
  readonly error?: unknown
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
