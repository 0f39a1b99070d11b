import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { checkServerIdentity, createSecureContext, type PeerCertificate } from 'node:tls'
import { ConfigError, type Problem } from '@pulsar-io/sdk'
import type { Config } from './options.ts'
import { parseRoots } from './roots.ts'

/** Settings of a TLS connection, in Node's words. */
export interface TlsSettings {
  readonly rejectUnauthorized: true
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly passphrase?: string
  readonly checkServerIdentity: (host: string, certificate: PeerCertificate) => Error | undefined
}

/** Reads the files that `tls` names. Throws a ConfigError that lists every file that is of no use. */
export async function tlsSettings({ tls, roots }: Pick<Config, 'tls' | 'roots'>): Promise<TlsSettings | undefined> {
  if (!tls.enabled) return undefined
  const problems: Problem[] = []
  const ca = await read('tls.caFile', tls.caFile, problems)
  const cert = await read('tls.certFile', tls.certFile, problems)
  const key = await read('tls.keyFile', tls.keyFile, problems)
  if (ca) usable({ ca }, 'tls.caFile', tls.caFile, problems)
  const own = {
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(tls.keyPassword === '' ? {} : { passphrase: tls.keyPassword }),
  }
  if (cert && key) usable(own, 'tls.keyFile', `${tls.certFile} with ${tls.keyFile}`, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    // The driver’s own default is to believe anybody.
    rejectUnauthorized: true,
    ...(ca ? { ca } : {}),
    ...own,
    checkServerIdentity: tls.verifyHostname ? identityCheck(roots) : () => undefined,
  }
}

/**
 * The driver connects to addresses, also of nodes that only the cluster names. A certificate is good for the address,
 * or else for a name in `roots`.
 */
function identityCheck(roots: string): TlsSettings['checkServerIdentity'] {
  const names = parseRoots(roots)
    .map(({ host }) => host)
    .filter(host => isIP(host) === 0)
  return (host, certificate) => {
    const wrong = checkServerIdentity(host, certificate)
    if (!wrong || names.some(name => checkServerIdentity(name, certificate) === undefined)) return undefined
    return wrong
  }
}

async function read(option: string, path: string, problems: Problem[]): Promise<Buffer | undefined> {
  if (path === '') return undefined
  try {
    const bytes = await readFile(path)
    if (bytes.includes('-----BEGIN ')) return bytes
    problems.push({
      path: option,
      message: `${path} is not PEM; convert it, for example with openssl x509 or openssl pkcs12`,
    })
  } catch (error) {
    problems.push({ path: option, message: `cannot read the file: ${(error as Error).message}` })
  }
  return undefined
}

/** Tries the settings before they are needed, since a handshake says little about what is wrong with a file. */
function usable(
  settings: Parameters<typeof createSecureContext>[0],
  option: string,
  path: string,
  problems: Problem[],
) {
  try {
    createSecureContext(settings)
  } catch (error) {
    problems.push({
      path: option,
      message: `${path} cannot be used: ${(error as Error).message}; is it complete, and the password right?`,
    })
  }
}
