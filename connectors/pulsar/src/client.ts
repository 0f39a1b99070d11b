import {
  type Authentication,
  authenticationFromPlugin,
  openPulsar,
  type PulsarClient,
  type PulsarOptions,
} from '@pulsar-io/messaging-pulsar'
import { ConfigError, type ConnectorContext, isConnectorError } from '@pulsar-io/sdk'
import type { ConnectionConfig } from './connection-options.ts'
import { orAborted } from './wait.ts'

/** How a client is made. */
export type Connect = (options: PulsarOptions) => Promise<PulsarClient>

/**
 * Connects to the cluster that a configuration names, and closes the connection again when nobody waits for it any more.
 *
 * @throws ConfigError for a login that cannot be used, and what the driver throws.
 */
export async function openClient(
  config: ConnectionConfig,
  { logger, signal }: ConnectorContext,
  connect: Connect = openPulsar,
): Promise<PulsarClient> {
  const { serviceUrl, adminUrl, tls, operationTimeout } = config
  const authentication = authenticationOf(config)
  if (tls.allowInsecure) logger.warn(`tls.allowInsecure: whoever answers at ${serviceUrl} is believed`)
  const opening = connect({
    serviceUrl,
    ...(adminUrl === '' ? {} : { adminUrl }),
    ...(authentication === undefined ? {} : { authentication }),
    tls: {
      ...(tls.trustCerts === '' ? {} : { trustCerts: tls.trustCerts }),
      allowInsecure: tls.allowInsecure,
      verifyHostname: tls.verifyHostname,
    },
    connectTimeoutMs: operationTimeout,
    operationTimeoutMs: operationTimeout,
    logger,
  })
  return orAborted(opening, signal, client => client.close())
}

/** The driver's messages name the flags of the command; here they are options. */
const OPTION_OF: { readonly [flag: string]: string } = {
  clientAuthPlugin: 'authPlugin',
  clientAuthParams: 'authParams',
}

function authenticationOf({ authPlugin, authParams }: ConnectionConfig): Authentication | undefined {
  if (authPlugin === '') return undefined
  try {
    return authenticationFromPlugin(authPlugin, authParams)
  } catch (error) {
    const problems = isConnectorError(error) ? (error as Partial<ConfigError>).problems : undefined
    if (problems === undefined) throw error
    throw new ConfigError(
      problems.map(({ path, message }) => ({
        path: path.replace(/^clientAuth(Plugin|Params)/, flag => OPTION_OF[flag] ?? flag),
        message,
      })),
      { code: (error as ConfigError).code, cause: error },
    )
  }
}
