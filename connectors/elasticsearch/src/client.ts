import { Agent, type Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import { noAnswer } from './errors.ts'
import type { Config } from './options.ts'
import { splitList } from './rules.ts'
import type { TlsSettings } from './tls.ts'

/** A request in the words of this connector. */
export interface Call {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST'
  readonly path: string
  readonly query?: { readonly [name: string]: string }
  /** JSON text, or, with `lines`, newline-delimited JSON. */
  readonly body?: string
  readonly lines?: boolean
  readonly headers?: { readonly [name: string]: string }
  readonly signal?: AbortSignal
}

/** Any answer that a server gave, failures included. */
export interface Reply {
  readonly status: number
  readonly body: unknown
  readonly headers: { readonly [name: string]: unknown }
}

/** A vendor's client, cut down to what the connector needs. Rejects with a ConnectionError when there is no answer. */
export interface Wire {
  request(call: Call): Promise<Reply>
  close(): Promise<void>
}

/** Which vendor's client to use. */
export type Vendor = 'elastic' | 'opensearch'

/** Makes a client; nothing is connected yet. The vendor's package is loaded only now. */
export async function openWire(vendor: Vendor, config: Config, tls: TlsSettings | undefined): Promise<Wire> {
  const make = vendor === 'elastic' ? elasticWire : opensearchWire
  return make(config, tls)
}

const credentials = ({ username, password, token, apiKey }: Config): { readonly authorization?: string } => {
  if (username !== '') return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
  if (token !== '') return { authorization: `Bearer ${token}` }
  return apiKey === '' ? {} : { authorization: `ApiKey ${apiKey}` }
}

/** What every client is told. Retries belong to the runtime; here a failed node only gives way to the next one. */
function common(config: Config) {
  const nodes = splitList(config.elasticSearchUrl)
  return { nodes, maxRetries: nodes.length - 1, headers: credentials(config) }
}

const idleTimeout = (config: Config): number => Math.max(1000, config.connectionIdleTimeoutInMs)

async function elasticWire(config: Config, tls: TlsSettings | undefined): Promise<Wire> {
  const { Client } = await import('@elastic/elasticsearch')
  const client = new Client({
    ...common(config),
    requestTimeout: config.socketTimeoutInMs,
    compression: config.compressionEnabled,
    agent: { keepAliveTimeout: idleTimeout(config) },
    // All of this goes to the function that connects, without TLS as well.
    tls: { ...tls, timeout: config.connectTimeoutInMs },
  })
  const url = nodesText(config)
  return {
    request: async call => {
      try {
        const { statusCode, body, headers } = await client.transport.request(params(call), {
          meta: true,
          ...(call.headers ? { headers: { ...call.headers } } : {}),
          ...(call.signal ? { signal: call.signal } : {}),
        })
        return { status: statusCode ?? 0, body, headers }
      } catch (error) {
        return answered(error, url)
      }
    },
    close: async () => client.close(),
  }
}

async function opensearchWire(config: Config, tls: TlsSettings | undefined): Promise<Wire> {
  const { Client } = await import('@opensearch-project/opensearch')
  const client = new Client({
    ...common(config),
    requestTimeout: config.socketTimeoutInMs,
    agent: ({ url }: { url: URL }) => timedAgent(url, config, tls),
    ...(config.compressionEnabled ? { compression: 'gzip' as const, suggestCompression: true } : {}),
  })
  const url = nodesText(config)
  return {
    request: async call => {
      const promise = client.transport.request(params(call), call.headers ? { headers: { ...call.headers } } : {})
      // Returns nothing: `abort()` gives the promise back, and an event listener's promise must not be rejected.
      const abort = (): void => void promise.abort()
      call.signal?.addEventListener('abort', abort, { once: true })
      try {
        const { statusCode, body, headers } = await promise
        return { status: statusCode ?? 0, body, headers: headers ?? {} }
      } catch (error) {
        return answered(error, url)
      } finally {
        call.signal?.removeEventListener('abort', abort)
      }
    },
    close: async () => client.close(),
  }
}

function params({ method, path, query, body, lines }: Call) {
  return {
    method,
    path,
    ...(query ? { querystring: { ...query } } : {}),
    ...(body === undefined ? {} : lines ? { bulkBody: body } : { body }),
  }
}

/** Both clients throw for a status of 400 and more; the Elasticsearch client also for a server of another product. */
function answered(error: unknown, url: string): Reply {
  const { meta, name, message } = error as {
    readonly name: string
    readonly message: string
    readonly meta?: { readonly statusCode?: number; readonly body?: unknown; readonly headers?: Reply['headers'] }
  }
  if (meta?.statusCode && (name === 'ResponseError' || name === 'ProductNotSupportedError'))
    return { status: meta.statusCode, body: meta.body, headers: meta.headers ?? {} }
  // The client's own error holds the request with its credentials, so only its words go on.
  throw noAnswer(message, url)
}

/** The addresses, for messages. */
export function nodesText(config: Pick<Config, 'elasticSearchUrl'>): string {
  return splitList(config.elasticSearchUrl).join(', ')
}

/** Node's agents know no limit for connecting, and OpenSearch's client builds on them. */
function timedAgent(url: URL, config: Config, tls: TlsSettings | undefined): HttpAgent {
  const { connectTimeoutInMs: limit } = config
  const options = { keepAlive: true, keepAliveMsecs: idleTimeout(config), scheduling: 'lifo' as const }
  const agent = url.protocol === 'https:' ? new HttpsAgent({ ...options, ...tls }) : new Agent(options)
  if (limit === 0) return agent
  const create = agent.createConnection.bind(agent)
  agent.createConnection = (target, done) => {
    const socket = create(target, done) as Duplex
    const timer = setTimeout(() => socket.destroy(new Error(`connect timed out after ${limit} ms`)), limit)
    const clear = () => clearTimeout(timer)
    socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', clear).once('close', clear)
    return socket
  }
  return agent
}
