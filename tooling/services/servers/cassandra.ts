import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { copyWithDependencies } from '../install/maven.ts'
import type { ServerDescriptor } from '../types.ts'
import { launchCassandra } from './cassandra-home.ts'
import { probeCassandra, probeSecuredCassandra } from './cassandra-probe.ts'

const VERSION = '5.0.9'

const PASSWORDS = {
  authenticator: 'PasswordAuthenticator',
  authorizer: 'CassandraAuthorizer',
  role_manager: 'CassandraRoleManager',
  // A test that takes a permission away should not wait for a cache.
  permissions_validity: '0ms',
  roles_validity: '0ms',
  credentials_validity: '0ms',
}

const pem = (name: string): string => fileURLToPath(new URL(`../tls/${name}.pem`, import.meta.url))

/** TLS beside plain connections on the same port; who uses it has to show a certificate. */
const TLS = {
  enabled: true,
  optional: true,
  require_client_auth: 'true',
  ssl_context_factory: { class_name: 'org.apache.cassandra.security.PEMBasedSslContextFactory' },
  keystore: pem('server'),
  truststore: pem('ca'),
}

const installation: Pick<ServerDescriptor['local'], 'key' | 'portCount' | 'install'> = {
  key: `cassandra-${VERSION}`,
  portCount: 3,
  install: ({ folder, signal }) =>
    copyWithDependencies(
      { group: 'org.apache.cassandra', name: 'cassandra-all', version: VERSION },
      join(folder, 'lib'),
      signal,
    ),
}

const ENVIRONMENT = { MAX_HEAP_SIZE: '256M', HEAP_NEWSIZE: '64M', CASSANDRA_NUM_TOKENS: '1' }
const image = 'cassandra:5.0'

/** Apache Cassandra 5, one node, without users. */
export const cassandra: ServerDescriptor = {
  name: 'cassandra',
  title: `Apache Cassandra ${VERSION}`,
  variable: 'CASSANDRA_URL',
  scheme: 'cassandra',
  local: { ...installation, launch: context => launchCassandra(context) },
  container: { image, port: 9042, environment: () => ENVIRONMENT },
  probe: probeCassandra,
}

/** The same with passwords and permissions; started from packages, with TLS as well. */
export const cassandraSecured: ServerDescriptor = {
  name: 'cassandra-secured',
  title: `Apache Cassandra ${VERSION} with passwords`,
  variable: 'CASSANDRA_SECURED_URL',
  scheme: 'cassandra',
  users: { owner: 'owner', readOnly: 'reader' },
  local: {
    ...installation,
    launch: context => launchCassandra(context, { ...PASSWORDS, client_encryption_options: JSON.stringify(TLS) }),
  },
  container: {
    image,
    port: 9042,
    environment: () => ({
      ...ENVIRONMENT,
      CASSANDRA_AUTHENTICATOR: PASSWORDS.authenticator,
      CASSANDRA_AUTHORIZER: PASSWORDS.authorizer,
    }),
  },
  probe: probeSecuredCassandra,
}
