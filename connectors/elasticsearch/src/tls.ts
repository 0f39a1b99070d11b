import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureVersion } from 'node:tls'
import { ConfigError, type Problem } from '@pulsar-io/sdk'
import type { Config } from './options.ts'
import { opensslCipher, splitList } from './rules.ts'

/** Settings of a TLS connection, in Node's words. */
export interface TlsSettings {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly pfx?: Buffer
  readonly passphrase?: string
  readonly ciphers?: string
  readonly minVersion?: SecureVersion
  readonly maxVersion?: SecureVersion
  readonly rejectUnauthorized?: boolean
  readonly checkServerIdentity?: () => undefined
}

/** Reads the files that `ssl` names. Throws a ConfigError that lists every file that is of no use. */
export async function tlsSettings(ssl: Config['ssl']): Promise<TlsSettings | undefined> {
  if (!ssl.enabled) return undefined
  const problems: Problem[] = []
  const truststore = await open('ssl.truststorePath', ssl.truststorePath, problems)
  const keystore = await open('ssl.keystorePath', ssl.keystorePath, problems)
  const settings: TlsSettings = {
    ...versions(ssl.protocols),
    ...(ssl.cipherSuites ? { ciphers: splitList(ssl.cipherSuites).map(opensslCipher).join(':') } : {}),
    ...(ssl.disableCertificateValidation ? { rejectUnauthorized: false } : {}),
    // Node compares the certificate with the host unless it is told another way to look at it.
    ...(ssl.hostnameVerification ? {} : { checkServerIdentity: () => undefined }),
    ...(truststore ? trusted(truststore, problems) : {}),
    ...(keystore ? own(keystore, ssl.keystorePassword, problems) : {}),
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return settings
}

type Format = 'pem' | 'pkcs12' | 'jks'

interface Store {
  readonly path: string
  readonly format: Format
  readonly bytes: Buffer
}

async function open(option: string, path: string, problems: Problem[]): Promise<Store | undefined> {
  if (path === '') return undefined
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    problems.push({ path: option, message: `cannot read the file: ${(error as Error).message}` })
    return undefined
  }
  const format = formatOf(bytes)
  if (format === undefined) problems.push({ path: option, message: `${path} is neither PEM nor PKCS#12` })
  if (format === 'jks')
    problems.push({
      path: option,
      message: `${path} is a Java keystore, which only Java reads; convert it: keytool -importkeystore -srckeystore ${path} -destkeystore store.p12 -deststoretype PKCS12, then openssl pkcs12 -in store.p12 -out store.pem -nodes, and name store.pem here`,
    })
  return format === undefined || format === 'jks' ? undefined : { path, format, bytes }
}

function formatOf(bytes: Buffer): Format | undefined {
  if (bytes.includes('-----BEGIN ')) return 'pem'
  if (bytes.length < 4) return undefined
  // The first bytes of a JKS and of a JCEKS file; a PKCS#12 file is an ASN.1 sequence.
  const magic = bytes.readUInt32BE(0)
  if (magic === 0xfeedfeed || magic === 0xcececece) return 'jks'
  return bytes[0] === 0x30 ? 'pkcs12' : undefined
}

function trusted({ path, format, bytes }: Store, problems: Problem[]): TlsSettings {
  if (format === 'pem') return checked({ ca: bytes }, 'ssl.truststorePath', path, problems)
  problems.push({
    path: 'ssl.truststorePath',
    message: `${path} is PKCS#12, from which Node reads no trusted certificates; convert it: openssl pkcs12 -in ${path} -nokeys -out ca.pem, and name ca.pem here`,
  })
  return {}
}

function own({ path, format, bytes }: Store, password: string, problems: Problem[]): TlsSettings {
  const passphrase = password === '' ? {} : { passphrase: password }
  const settings = format === 'pem' ? { cert: bytes, key: bytes, ...passphrase } : { pfx: bytes, ...passphrase }
  return checked(settings, 'ssl.keystorePath', path, problems)
}

/** Tries the settings before they are needed, since a handshake says little about what is wrong with a file. */
function checked(settings: TlsSettings, option: string, path: string, problems: Problem[]): TlsSettings {
  try {
    createSecureContext(settings)
    return settings
  } catch (error) {
    problems.push({
      path: option,
      message: `${path} cannot be used: ${(error as Error).message}; is it complete, and the password right?`,
    })
    return {}
  }
}

function versions(protocols: string): TlsSettings {
  const named = splitList(protocols).sort() as SecureVersion[]
  const [minVersion] = named
  const maxVersion = named.at(-1)
  return minVersion && maxVersion ? { minVersion, maxVersion } : {}
}
