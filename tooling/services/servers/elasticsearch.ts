import type { ServerDescriptor } from '../types.ts'
import { installLibraries, LAYOUT, launchElasticsearch } from './elasticsearch-home.ts'
import { probeSearch } from './http-search.ts'

const VERSION = '9.2.2'

/** Elasticsearch 9, without security. */
export const elasticsearch: ServerDescriptor = {
  name: 'elasticsearch',
  title: `Elasticsearch ${VERSION}`,
  variable: 'ELASTICSEARCH_URL',
  scheme: 'http',
  local: {
    key: `elasticsearch-${VERSION}-${LAYOUT}`,
    portCount: 2,
    install: context => installLibraries(VERSION, context),
    launch: context => launchElasticsearch(context, 21),
  },
  container: {
    image: `docker.elastic.co/elasticsearch/elasticsearch:${VERSION}`,
    port: 9200,
    environment: () => ({
      'discovery.type': 'single-node',
      'xpack.security.enabled': 'false',
      'cluster.routing.allocation.disk.threshold_enabled': 'false',
      ES_JAVA_OPTS: '-Xms512m -Xmx512m',
    }),
  },
  probe: probeSearch,
}
