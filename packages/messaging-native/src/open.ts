import { openPulsar } from '@pulsar-io/messaging-pulsar'
import { NativeClient } from './client.ts'
import { clientConfig } from './client-config.ts'
import { namedError } from './errors.ts'
import { loadAddon } from './load-addon.ts'
import type { NativeOptions } from './options.ts'

/**
 * A client of a Pulsar cluster over the `pulsar-client` addon. Rejects with `PIO_NATIVE_BINDING` where its binary is not
 * there, before anything is connected, and with what `openPulsar` rejects with.
 */
export async function openNative(options: NativeOptions): Promise<NativeClient> {
  const addon = options.addon ?? loadAddon()
  const config = await clientConfig(addon, options)
  const { serviceUrl, adminUrl, authentication, tls, connectTimeoutMs, operationTimeoutMs, listenerName, logger } =
    options
  // Connects, so a wrong address or password shows now; the addon connects when it is first used.
  const pulsar = await openPulsar({
    serviceUrl,
    adminUrl,
    authentication,
    tls,
    connectTimeoutMs,
    operationTimeoutMs,
    listenerName,
    logger,
  })
  try {
    return new NativeClient(addon, new addon.Client(config), pulsar, options)
  } catch (error) {
    await pulsar.close()
    throw namedError(error, { action: `cannot connect to ${serviceUrl}` })
  }
}
