import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureVersion } from 'node:tls'
import { ConfigError, type Problem } from '@pulsar-io/sdk'
import { parseJaas } from './jaas.ts'
import type { ConsumerProperties, ProducerProperties } from './java-properties.ts'
import type { ConnectionConfig } from './options.ts'
import { parseServers, splitList } from './rules.ts'
import { tokenSource } from './token-source.ts'

/** TLS in Node's words. */
export interface TlsSettings {
  readonly ca?: Buffer | string
  readonly cert?: Buffer | string
  readonly key?: Buffer | string
  readonly pfx?: Buffer
  readonly passphrase?: string
  readonly ciphers?: string
  readonly minVersion?: SecureVersion
  readonly maxVersion?: SecureVersion
  readonly checkServerIdentity?: () => undefined
}

/** How to log in. */
export type Login =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly username: string
      readonly password: string
    }
  | { readonly mechanism: 'OAUTHBEARER'; readonly token: string | (() => Promise<string>) }

/** All that is needed to talk to a cluster. */
export interface Settings {
  readonly servers: readonly { readonly host: string; readonly port: number }[]
  /** For messages: the servers as they were written, and who logs in; never a secret. */
  readonly where: Where
  readonly clientId: string
  readonly rack: string | undefined
  readonly tls: TlsSettings | undefined
  readonly login: Login | undefined
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly metadataMaxAgeMs: number
}

/** What error messages tell of the place. */
export interface Where {
  readonly servers: string
  readonly who: string
}

/** Reads the files that a configuration names. Throws a ConfigError that lists every one that is of no use. */
export async function connectionSettings(
  config: ConnectionConfig,
  properties: Partial<ConsumerProperties & ProducerProperties>,
  name: string,
): Promise<Settings> {
  const login = loginOf(config, properties)
  return {
    servers: parseServers(config.bootstrapServers),
    where: {
      servers: splitList(config.bootstrapServers).join(', '),
      who:
        login === undefined
          ? 'a client without login'
          : 'username' in login
            ? `user ${JSON.stringify(login.username)}`
            : 'the token',
    },
    clientId: properties['client.id'] ?? `pulsar-io-${name}`,
    rack: properties['client.rack'],
    tls: config.securityProtocol.endsWith('SSL') ? await tlsSettings(config, properties) : undefined,
    login,
    connectTimeoutMs: properties['socket.connection.setup.timeout.ms'] ?? 10_000,
    requestTimeoutMs: properties['request.timeout.ms'] ?? 30_000,
    metadataMaxAgeMs: properties['metadata.max.age.ms'] ?? 30_000,
  }
}

function loginOf(config: ConnectionConfig, properties: Partial<ConsumerProperties>): Login | undefined {
  const { saslMechanism: mechanism, saslJaasConfig } = config
  if (!config.securityProtocol.startsWith('SASL') || mechanism === '') return undefined
  const jaas = saslJaasConfig === '' ? {} : parseJaas(saslJaasConfig).options
  if (mechanism !== 'OAUTHBEARER')
    return { mechanism, username: jaas.username ?? config.username, password: jaas.password ?? config.password }
  return { mechanism, token: config.token === '' ? tokenSource(jaas, properties) : config.token }
}

/** Throws a ConfigError for files and texts that are of no use. */
async function tlsSettings(config: ConnectionConfig, properties: Partial<ConsumerProperties>): Promise<TlsSettings> {
  const problems: Problem[] = []
  const protocols = splitList(config.sslEnabledProtocols).sort() as SecureVersion[]
  const ciphers = splitList(properties['ssl.cipher.suites'] ?? '').join(':')
  const settings: TlsSettings = {
    minVersion: protocols[0] ?? 'TLSv1.2',
    ...(protocols.length > 0 ? { maxVersion: protocols.at(-1) as SecureVersion } : {}),
    ...(ciphers === '' ? {} : { ciphers }),
    // Node compares the certificate with the host unless it is told another way to look at it.
    ...(config.sslEndpointIdentificationAlgorithm === 'none' ? { checkServerIdentity: () => undefined } : {}),
    ...(await trusted(config, properties, problems)),
    ...(await own(config, properties, problems)),
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return settings
}

async function trusted(
  { sslTruststoreLocation: path }: ConnectionConfig,
  properties: Partial<ConsumerProperties>,
  problems: Problem[],
): Promise<TlsSettings> {
  const text = properties['ssl.truststore.certificates']
  if (text !== undefined)
    return checked({ ca: text }, 'consumerConfigProperties', 'ssl.truststore.certificates', problems)
  const field = 'sslTruststoreLocation'
  const bytes = await open(field, path, problems)
  if (!bytes) return {}
  if (bytes.includes('-----BEGIN ')) return checked({ ca: bytes }, field, path, problems)
  problems.push({
    path: field,
    message: `${path} is a Java keystore or PKCS#12, from which Node.js reads no trusted certificates; convert it: keytool -exportcert -rfc -keystore ${path} -alias NAME > ca.pem, and name ca.pem here`,
  })
  return {}
}

async function own(
  config: ConnectionConfig,
  properties: Partial<ConsumerProperties>,
  problems: Problem[],
): Promise<TlsSettings> {
  const field = 'sslKeystoreLocation'
  const password = config.sslKeystorePassword || properties['ssl.key.password'] || properties['ssl.keystore.password']
  const passphrase = password ? { passphrase: password } : {}
  const { 'ssl.keystore.certificate.chain': cert, 'ssl.keystore.key': key } = properties
  if (cert !== undefined && key !== undefined)
    return checked({ cert, key, ...passphrase }, 'ssl.keystore.key', 'ssl.keystore.key', problems)
  const path = config.sslKeystoreLocation || (properties['ssl.keystore.location'] ?? '')
  const bytes = await open(field, path, problems)
  if (!bytes) return {}
  if (bytes.includes('-----BEGIN ')) return checked({ cert: bytes, key: bytes, ...passphrase }, field, path, problems)
  // The first bytes of a JKS and of a JCEKS file; a PKCS#12 file is an ASN.1 sequence.
  if (bytes[0] === 0x30) return checked({ pfx: bytes, ...passphrase }, field, path, problems)
  problems.push({
    path: field,
    message: `${path} is neither PEM nor PKCS#12; convert a Java keystore: keytool -importkeystore -srckeystore ${path} -destkeystore client.p12 -deststoretype PKCS12, and name client.p12 here`,
  })
  return {}
}

async function open(field: string, path: string, problems: Problem[]): Promise<Buffer | undefined> {
  if (path === '') return undefined
  try {
    return await readFile(path)
  } catch (error) {
    problems.push({ path: field, message: `cannot read the file: ${(error as Error).message}` })
    return undefined
  }
}

/** Tries the settings before they are needed, since a handshake says little about what is wrong with a file. */
function checked(settings: TlsSettings, field: string, path: string, problems: Problem[]): TlsSettings {
  try {
    createSecureContext(settings)
    return settings
  } catch (error) {
    problems.push({
      path: field,
      message: `${path} cannot be used: ${(error as Error).message}; is it complete, and the password right?`,
    })
    return {}
  }
}
