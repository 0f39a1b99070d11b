import type { Credentials, ServerDescriptor } from '../types.ts'
import { installZip, LAYOUT, launchElasticsearch } from './elasticsearch-home.ts'
import { probeSearch } from './http-search.ts'

const VERSION = '8.19.21'

const local = (settings: readonly string[]): ServerDescriptor['local'] => ({
  // Both kinds run from the same installed tree.
  key: `elasticsearch-${VERSION}-${LAYOUT}`,
  portCount: 2,
  install: context => installZip(VERSION, context),
  launch: context => launchElasticsearch(context, 17, settings),
})

const container = (environment: (credentials: Credentials | undefined) => Record<string, string>) => ({
  image: `docker.elastic.co/elasticsearch/elasticsearch:${VERSION}`,
  port: 9200,
  environment: (credentials: Credentials | undefined) => ({
    'discovery.type': 'single-node',
    'cluster.routing.allocation.disk.threshold_enabled': 'false',
    ES_JAVA_OPTS: '-Xms512m -Xmx512m',
    ...environment(credentials),
  }),
})

/** Elasticsearch 8, without security. */
export const elasticsearch8: ServerDescriptor = {
  name: 'elasticsearch8',
  title: `Elasticsearch ${VERSION}`,
  variable: 'ELASTICSEARCH8_URL',
  scheme: 'http',
  local: local(['xpack.security.enabled: false']),
  container: container(() => ({ 'xpack.security.enabled': 'false' })),
  probe: probeSearch,
}

/** Elasticsearch 8 that asks for a user: `elastic` with a generated password, over HTTP without TLS. */
export const elasticsearch8Secured: ServerDescriptor = {
  name: 'elasticsearch8-secured',
  title: `Elasticsearch ${VERSION} with security`,
  variable: 'ELASTICSEARCH8_SECURED_URL',
  scheme: 'http',
  username: 'elastic',
  local: local([
    'xpack.security.enabled: true',
    'xpack.security.enrollment.enabled: false',
    'xpack.security.http.ssl.enabled: false',
    'xpack.security.transport.ssl.enabled: false',
    // Off by default without TLS; tests of API keys need it.
    'xpack.security.authc.api_key.enabled: true',
  ]),
  container: container(credentials => ({
    'xpack.security.enabled': 'true',
    'xpack.security.enrollment.enabled': 'false',
    'xpack.security.http.ssl.enabled': 'false',
    'xpack.security.transport.ssl.enabled': 'false',
    'xpack.security.authc.api_key.enabled': 'true',
    ELASTIC_PASSWORD: credentials?.password ?? '',
  })),
  probe: probeSearch,
}
