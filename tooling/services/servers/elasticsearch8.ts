import type { ServerDescriptor } from '../types.ts'
import { installZip, LAYOUT, launchElasticsearch } from './elasticsearch-home.ts'
import { readOnlyUserFiles } from './file-realm.ts'
import { probeSearch, securityIndexReady } from './http-search.ts'

const VERSION = '8.19.21'
const IMAGE = `docker.elastic.co/elasticsearch/elasticsearch:${VERSION}`

const installation: Pick<ServerDescriptor['local'], 'key' | 'portCount' | 'install'> = {
  // Both kinds run from the same installed tree.
  key: `elasticsearch-${VERSION}-${LAYOUT}`,
  portCount: 2,
  install: context => installZip(VERSION, context),
}

const BASE = {
  'discovery.type': 'single-node',
  'cluster.routing.allocation.disk.threshold_enabled': 'false',
  ES_JAVA_OPTS: '-Xms512m -Xmx512m',
}

const SECURITY = {
  'xpack.security.enabled': 'true',
  'xpack.security.enrollment.enabled': 'false',
  'xpack.security.http.ssl.enabled': 'false',
  'xpack.security.transport.ssl.enabled': 'false',
  // Both are off by default where HTTP has no TLS.
  'xpack.security.authc.api_key.enabled': 'true',
  'xpack.security.authc.token.enabled': 'true',
  // Access tokens are not in the basic licence.
  'xpack.license.self_generated.type': 'trial',
}

/** Elasticsearch 8, without security. */
export const elasticsearch8: ServerDescriptor = {
  name: 'elasticsearch8',
  title: `Elasticsearch ${VERSION}`,
  variable: 'ELASTICSEARCH8_URL',
  scheme: 'http',
  local: {
    ...installation,
    launch: context => launchElasticsearch(context, 17, { 'xpack.security.enabled': 'false' }),
  },
  container: {
    image: IMAGE,
    port: 9200,
    environment: () => ({ ...BASE, 'xpack.security.enabled': 'false' }),
  },
  probe: probeSearch,
}

/** Elasticsearch 8 that asks for a user, over HTTP without TLS; with users of generated passwords. */
export const elasticsearch8Secured: ServerDescriptor = {
  name: 'elasticsearch8-secured',
  title: `Elasticsearch ${VERSION} with security`,
  variable: 'ELASTICSEARCH8_SECURED_URL',
  scheme: 'http',
  users: { owner: 'elastic', readOnly: 'reader' },
  local: {
    ...installation,
    launch: context =>
      launchElasticsearch(context, 17, SECURITY, context.readOnly ? readOnlyUserFiles(context.readOnly) : {}),
  },
  container: {
    image: IMAGE,
    port: 9200,
    environment: ({ credentials }) => ({ ...BASE, ...SECURITY, ELASTIC_PASSWORD: credentials?.password ?? '' }),
    files: ({ readOnly }) =>
      Object.entries(readOnly ? readOnlyUserFiles(readOnly) : {}).map(([name, content]) => ({
        content,
        target: `/usr/share/elasticsearch/config/${name}`,
      })),
  },
  probe: probeSearch,
  settled: securityIndexReady,
}
