import { AuthError, ConfigError, type Logger } from '@pulsar-io/sdk'
import { nodesText, openWire, type Reply, type Vendor, type Wire } from './client.ts'
import { requestError, type Where } from './errors.ts'
import type { Config } from './options.ts'
import type { TlsSettings } from './tls.ts'

/** What kind of server answers, and how it wants to be spoken to. */
export interface Server {
  readonly wire: Wire
  readonly where: Where
  /** For the log, for example `Elasticsearch 9.2.2`. */
  readonly title: string
  /** Media types that ask for one version's behaviour; empty: the plain ones, which every server takes. */
  readonly headers: MediaTypes
  /** The ingest pipeline that documents go through; empty for none. */
  readonly pipeline: string
}

/** `content-type` and `accept` of JSON and of newline-delimited JSON. */
export interface MediaTypes {
  readonly json: { readonly [header: string]: string }
  readonly lines: { readonly [header: string]: string }
}

/** Connects, checks the credentials, and finds out which server this is. */
export async function connect(config: Config, tls: TlsSettings | undefined, logger: Logger): Promise<Server> {
  const { compatibilityMode: mode } = config
  const where: Where = { url: nodesText(config), who: who(config) }
  let vendor: Vendor = mode === 'AUTO' || mode === 'ELASTICSEARCH' ? 'elastic' : 'opensearch'
  let wire = await openWire(vendor, config, tls)
  try {
    let reply = await ask(wire)
    // The Elasticsearch client works with nothing but Elasticsearch from 7.14 on, which says so in a header.
    if (vendor === 'elastic' && reply.status === 200 && !saysElasticsearch(reply)) {
      await wire.close()
      vendor = 'opensearch'
      wire = await openWire(vendor, config, tls)
      reply = await ask(wire)
    }
    const found = identify(reply, mode, where, logger)
    const title = `${found.product} ${found.version ?? ''}`.trim()
    contradict(mode, found, title)
    const headers = mediaTypes(vendor === 'elastic' ? found.major : undefined)
    return { wire, where, title, headers, pipeline: config.pipeline }
  } catch (error) {
    await wire.close()
    throw error
  }
}

const ask = (wire: Wire): Promise<Reply> =>
  wire.request({ method: 'GET', path: '/', headers: mediaTypes(undefined).json })

const saysElasticsearch = (reply: Reply): boolean => reply.headers['x-elastic-product'] === 'Elasticsearch'

interface Found {
  readonly product: 'Elasticsearch' | 'OpenSearch'
  readonly version: string | undefined
  readonly major: number | undefined
}

function identify(reply: Reply, mode: Config['compatibilityMode'], where: Where, logger: Logger): Found {
  if (reply.status === 200) {
    const found = versionOf(reply.body)
    if (found) return found
    throw new ConfigError(
      [{ path: 'elasticSearchUrl', message: `${where.url} answers, but neither as Elasticsearch nor as OpenSearch` }],
      { code: 'PIO_ES_PRODUCT' },
    )
  }
  // A user that may only write is refused the server's name, and some gateways do not pass it on. Neither is a reason
  // not to write: each item of a bulk request says for itself whether it was allowed.
  if (reply.status === 400 || reply.status === 403 || reply.status === 404) {
    const product = saysElasticsearch(reply) ? 'Elasticsearch' : PRODUCTS[mode]
    if (product) {
      logger.info(`${where.url} does not tell its version (HTTP ${reply.status}); going on with plain JSON`)
      return { product, version: undefined, major: undefined }
    }
    if (reply.status === 403)
      throw new AuthError(
        `${where.who} may not ask ${where.url} which server it is (HTTP 403); grant the privilege "monitor", or set compatibilityMode`,
        { code: 'PIO_ES_FORBIDDEN' },
      )
  }
  throw requestError(reply.status, reply.body, 'tell which server it is (GET /)', where)
}

const PRODUCTS = {
  AUTO: undefined,
  ELASTICSEARCH_7: 'Elasticsearch',
  ELASTICSEARCH: 'Elasticsearch',
  OPENSEARCH: 'OpenSearch',
} as const

function versionOf(body: unknown): Found | undefined {
  const version = (body as { version?: { number?: unknown; distribution?: unknown } } | null)?.version
  if (typeof version?.number !== 'string') return undefined
  return {
    product: version.distribution === 'opensearch' ? 'OpenSearch' : 'Elasticsearch',
    version: version.number,
    major: Number.parseInt(version.number, 10),
  }
}

/** Throws where the configuration names another server than the one that answers. */
function contradict(mode: Config['compatibilityMode'], found: Found, title: string): void {
  const right =
    mode === 'AUTO' ||
    (mode === 'OPENSEARCH' && found.product === 'OpenSearch') ||
    // The protocol of version 7 is what OpenSearch began with, and newer servers of both still understand it.
    mode === 'ELASTICSEARCH_7' ||
    (mode === 'ELASTICSEARCH' && found.product === 'Elasticsearch' && (found.major ?? 8) >= 8)
  if (!right)
    throw new ConfigError([{ path: 'compatibilityMode', message: `is ${mode}, but ${title} answers; use AUTO` }], {
      code: 'PIO_ES_PRODUCT',
    })
}

/**
 * A server of version 8 refuses a client that asks for version 9, so each is asked for its own version, and 9 for
 * all that come later. https://www.elastic.co/docs/reference/elasticsearch/rest-apis/compatibility
 */
function mediaTypes(major: number | undefined): MediaTypes {
  if (major === undefined || major < 8) {
    const accept = 'application/json'
    return {
      json: { 'content-type': 'application/json', accept },
      lines: { 'content-type': 'application/x-ndjson', accept },
    }
  }
  const version = `compatible-with=${Math.min(major, 9)}`
  const accept = `application/vnd.elasticsearch+json; ${version}`
  return {
    json: { 'content-type': accept, accept },
    lines: { 'content-type': `application/vnd.elasticsearch+x-ndjson; ${version}`, accept },
  }
}

function who({ username, token, apiKey }: Config): string {
  if (username !== '') return `user ${JSON.stringify(username)}`
  if (token !== '') return 'the token'
  return apiKey === '' ? 'a request without credentials' : 'the API key'
}
