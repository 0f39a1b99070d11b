import { resolve } from 'node:path'
import type { MessagingClient } from '@pulsar-io/messaging'
import { ConfigError } from '@pulsar-io/sdk'

/** Where topics live when nothing is said. */
export const DEFAULT_MESSAGING_URL = 'embedded:.pulsar-io'

/**
 * Connects to a messaging system: `embedded:DIR`.
 * Throws a ConfigError (`PIO_MESSAGING_URL`) for an address that no driver speaks, and what the driver throws.
 */
export async function openMessaging(url: string = DEFAULT_MESSAGING_URL): Promise<MessagingClient> {
  const match = /^([a-z+]+):(.*)$/i.exec(url)
  const scheme = match?.[1]?.toLowerCase()
  if (scheme === 'embedded') {
    const directory = (match?.[2] ?? '').replace(/^\/\/(?=\/)/, '')
    // Loaded here, so that a command which needs no topics does not pay for the native module.
    const { openEmbedded } = await import('@pulsar-io/messaging-embedded')
    return openEmbedded({ directory: resolve(directory || '.pulsar-io') })
  }
  throw new ConfigError([{ path: 'brokerServiceUrl', message: unknownScheme(url, scheme) }], {
    code: 'PIO_MESSAGING_URL',
  })
}

function unknownScheme(url: string, scheme: string | undefined): string {
  if (scheme === 'pulsar' || scheme === 'pulsar+ssl') {
    return `${url}: this release has no driver for a Pulsar cluster; use the embedded log, embedded:DIR`
  }
  return `${JSON.stringify(url)} is not a messaging address; use embedded:DIR, for example ${DEFAULT_MESSAGING_URL}`
}
