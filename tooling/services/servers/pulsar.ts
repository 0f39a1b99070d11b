import type { ServerDescriptor } from '../types.ts'
import { installDistribution, LAYOUT, launchStandalone, SETTINGS } from './pulsar-home.ts'
import { allowConsuming, brokerSettled, probeBroker, workerSettled } from './pulsar-probe.ts'
import { launchSecured, pulsarToken } from './pulsar-secured.ts'

/** Of the servers, of pulsar-admin and of Java connectors. */
export const PULSAR_VERSION = '4.0.8'
const VERSION = PULSAR_VERSION
const IMAGE = `apachepulsar/pulsar:${VERSION}`

export const pulsarInstallation: Pick<ServerDescriptor['local'], 'key' | 'portCount' | 'install'> = {
  // All kinds run from the same installed tree.
  key: `pulsar-${VERSION}-${LAYOUT}`,
  portCount: 2,
  install: context => installDistribution(VERSION, context),
}

/** The image with `arguments` for standalone; it listens where it says it does, on the ports of the host. */
const container = (...standalone: readonly string[]): NonNullable<ServerDescriptor['container']> => ({
  image: IMAGE,
  port: 'as outside',
  portCount: 2,
  command: [
    'sh',
    '-c',
    `bin/apply-config-from-env.py conf/standalone.conf && exec bin/pulsar standalone -nss ${standalone.join(' ')}`,
  ],
  environment: ({ ports }) => ({
    ...Object.fromEntries(Object.entries(SETTINGS).map(([key, value]) => [`PULSAR_PREFIX_${key}`, value])),
    PULSAR_PREFIX_advertisedAddress: '127.0.0.1',
    PULSAR_PREFIX_brokerServicePort: String(ports[0]),
    PULSAR_PREFIX_webServicePort: String(ports[1]),
    PULSAR_MEM: '-Xms128m -Xmx512m -XX:MaxDirectMemorySize=512m',
  }),
})

/** Pulsar standalone without functions worker: broker and bookie in one JVM. */
export const pulsar: ServerDescriptor = {
  name: 'pulsar',
  title: `Apache Pulsar ${VERSION}`,
  variable: 'PULSAR_URL',
  scheme: 'pulsar',
  admin: { variable: 'PULSAR_ADMIN_URL', scheme: 'http', port: 8080 },
  local: { ...pulsarInstallation, portCount: 4, launch: context => launchStandalone(context) },
  container: container('-nfw'),
  probe: probeBroker,
  settled: brokerSettled,
}

/** The same with functions worker, to run Pulsar's own connectors. */
export const pulsarFunctions: ServerDescriptor = {
  ...pulsar,
  name: 'pulsar-functions',
  title: `Apache Pulsar ${VERSION} with functions worker`,
  variable: 'PULSAR_FUNCTIONS_URL',
  admin: { variable: 'PULSAR_FUNCTIONS_ADMIN_URL', scheme: 'http', port: 8080 },
  local: { ...pulsarInstallation, launch: context => launchStandalone(context, { functions: true }) },
  container: container(),
  settled: workerSettled,
}

/**
 * The same with TLS, authentication and authorization; a password is a token, its user name a role. `readOnly` may
 * consume in `public/default`. There is none in a container: certificates and passwords would have to get into it.
 */
export const pulsarSecured: ServerDescriptor = {
  name: 'pulsar-secured',
  title: `Apache Pulsar ${VERSION} with TLS and tokens`,
  variable: 'PULSAR_SECURED_URL',
  scheme: 'pulsar+ssl',
  admin: { variable: 'PULSAR_SECURED_ADMIN_URL', scheme: 'https', port: 8443 },
  users: { owner: 'owner', readOnly: 'reader', password: pulsarToken },
  local: { ...pulsarInstallation, portCount: 4, launch: launchSecured },
  probe: probeBroker,
  settled: allowConsuming,
}
