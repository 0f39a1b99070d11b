import { resolve } from 'node:path'
import type { MessagingClient } from '@pulsar-io/messaging'
import { ConfigError } from '@pulsar-io/sdk'

/** Where topics live when nothing is said. */
export const DEFAULT_MESSAGING_URL = 'embedded:.pulsar-io'

const SCHEME = /^([a-z+]+):/i

/**
 * Connects to a messaging system: `embedded:DIR`.
 * Throws a ConfigError (`PIO_MESSAGING_URL`) for an address that no driver speaks, and what the driver throws.
 */
export async function openMessaging(url: string = DEFAULT_MESSAGING_URL): Promise<MessagingClient> {
  const problem = messagingProblem(url)
  if (problem !== undefined) {
    throw new ConfigError([{ path: 'brokerServiceUrl', message: problem }], { code: 'PIO_MESSAGING_URL' })
  }
  const directory = embeddedDirectory(url) ?? ''
  // Loaded here, so that a command which needs no topics does not pay for the native module.
  const { openEmbedded } = await import('@pulsar-io/messaging-embedded')
  return openEmbedded({ directory })
}

/** The folder of an `embedded:` address as an absolute path; undefined for another address. */
export function embeddedDirectory(url: string = DEFAULT_MESSAGING_URL): string | undefined {
  if (SCHEME.exec(url)?.[1]?.toLowerCase() !== 'embedded') return undefined
  return resolve(url.replace(SCHEME, '').replace(/^\/\/(?=\/)/, '') || '.pulsar-io')
}

/** Why {@link openMessaging} would refuse an address; undefined when a driver speaks it. */
export function messagingProblem(url: string): string | undefined {
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase()
  if (scheme === 'embedded') return undefined
  if (scheme === 'pulsar' || scheme === 'pulsar+ssl') {
    return `${url}: this release has no driver for a Pulsar cluster; use the embedded log, embedded:DIR`
  }
  return `${JSON.stringify(url)} is not a messaging address; use embedded:DIR, for example ${DEFAULT_MESSAGING_URL}`
}
