import { resolve } from 'node:path'
import type { MessagingClient } from '@pulsar-io/messaging'
import type { Logger } from '@pulsar-io/sdk'
import { ConfigError } from '@pulsar-io/sdk/core'
import { resolveSecrets } from './secrets.ts'

/** Where topics live when nothing is said. */
export const DEFAULT_MESSAGING_URL = 'embedded:.pulsar-io'

/** Where topics live and who comes there; plain data, so that it crosses threads and processes. */
export interface MessagingAddress {
  /** Which driver speaks to a cluster: default `pulsar`, which needs no native code. */
  readonly driver?: 'pulsar' | 'native'
  /** `embedded:DIR`, `pulsar://host:port`, `pulsar+ssl://host:port`; several hosts are separated by commas. */
  readonly url: string
  /** The cluster's web service; default: told by its host names. */
  readonly adminUrl?: string
  /** Pulsar's name of an authentication plugin, or `token`, `basic`, `tls`, `oauth2`. */
  readonly authPlugin?: string
  /** Its parameters, with `${env:NAME}` and `${file:PATH}` filled in where the connection is made. */
  readonly authParams?: string
  readonly tls?: {
    /** PEM file of the authorities to trust. */
    readonly trustCerts?: string
    readonly allowInsecure?: boolean
    readonly verifyHostname?: boolean
  }
}

const SCHEME = /^([a-z+]+):/i

/**
 * Connects to a messaging system: the embedded log or a Pulsar cluster.
 * Throws a ConfigError (`PIO_MESSAGING_URL`) for an address that the driver does not speak, and what the driver throws.
 */
export async function openMessaging(
  address: MessagingAddress = { url: DEFAULT_MESSAGING_URL },
  logger?: Logger,
): Promise<MessagingClient> {
  const problem = messagingProblem(address.url)
  if (problem !== undefined) {
    throw new ConfigError([{ path: 'brokerServiceUrl', message: problem }], { code: 'PIO_MESSAGING_URL' })
  }
  const log = logger === undefined ? {} : { logger }
  const directory = embeddedDirectory(address.url)
  // Each driver is loaded when it is used: the native module of one, the protocol of the other.
  if (directory !== undefined) {
    if (address.driver !== undefined) {
      const message = `the ${address.driver} driver needs the address of a cluster, got ${JSON.stringify(address.url)}`
      throw new ConfigError([{ path: 'brokerServiceUrl', message }], { code: 'PIO_MESSAGING_URL' })
    }
    const { openEmbedded } = await import('@pulsar-io/messaging-embedded')
    return openEmbedded({ directory, ...log })
  }
  const { authenticationFromPlugin, openPulsar } = await import('@pulsar-io/messaging-pulsar')
  const open = address.driver === 'native' ? (await import('@pulsar-io/messaging-native')).openNative : openPulsar
  const { config } = resolveSecrets({ clientAuthParams: address.authParams ?? '' }, undefined, {})
  const { clientAuthParams } = config as { readonly clientAuthParams: string }
  return open({
    serviceUrl: address.url,
    ...(address.adminUrl === undefined ? {} : { adminUrl: address.adminUrl }),
    ...(address.authPlugin === undefined
      ? {}
      : { authentication: authenticationFromPlugin(address.authPlugin, clientAuthParams) }),
    ...(address.tls === undefined ? {} : { tls: address.tls }),
    ...log,
  })
}

/** Whether instances that go to this address cannot share a process: the addon is for one thread of it. */
export function needsOwnProcess(address: MessagingAddress): boolean {
  return address.driver === 'native'
}

/** The folder of an `embedded:` address as an absolute path; undefined for another address. */
export function embeddedDirectory(url: string = DEFAULT_MESSAGING_URL): string | undefined {
  if (schemeOf(url) !== 'embedded') return undefined
  return resolve(url.replace(SCHEME, '').replace(/^\/\/(?=\/)/, '') || '.pulsar-io')
}

/** Why {@link openMessaging} would refuse an address; undefined when a driver speaks it. */
export function messagingProblem(url: string): string | undefined {
  const scheme = schemeOf(url)
  if (scheme === 'embedded' || scheme === 'pulsar' || scheme === 'pulsar+ssl') return undefined
  return `${JSON.stringify(url)} is not a messaging address; use embedded:DIR (default ${DEFAULT_MESSAGING_URL}), pulsar://host:6650 or pulsar+ssl://host:6651`
}

function schemeOf(url: string): string | undefined {
  return SCHEME.exec(url)?.[1]?.toLowerCase()
}
