import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { ConfigError, type Problem } from '@pulsar-io/sdk'
import type { ConnectionConfig } from './connection-options.ts'
import type { TlsSettings } from './port.ts'

/** Reads the files that `tls` names; undefined without `ssl`. Throws a ConfigError that lists every file that is of no use. */
export async function tlsSettings({ ssl, tls }: ConnectionConfig): Promise<TlsSettings | undefined> {
  if (!ssl) return undefined
  const problems: Problem[] = []
  const ca = await read('tls.caFile', tls.caFile, problems)
  const cert = await read('tls.certFile', tls.certFile, problems)
  const key = await read('tls.keyFile', tls.keyFile, problems)
  const passphrase = tls.keyPassword === '' ? {} : { passphrase: tls.keyPassword }
  // Tried one by one before they are needed, since a failed handshake says little about what is wrong with a file.
  if (ca) attempt({ ca }, 'tls.caFile', tls.caFile, '', problems)
  if (cert) attempt({ cert }, 'tls.certFile', tls.certFile, '', problems)
  if (cert && key && problems.length === 0)
    attempt({ cert, key, ...passphrase }, 'tls.keyFile', tls.keyFile, KEY_HINT, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    ...(ca ? { ca } : {}),
    ...(cert && key ? { cert, key, ...passphrase } : {}),
    ...(tls.disableCertificateValidation ? { rejectUnauthorized: false } : {}),
    // Node compares the certificate with the host unless it is told another way to look at it.
    ...(tls.hostnameVerification ? {} : { checkServerIdentity: () => undefined }),
  }
}

const KEY_HINT = '; does it belong to tls.certFile, and is tls.keyPassword right?'

async function read(path: string, file: string, problems: Problem[]): Promise<Buffer | undefined> {
  if (file === '') return undefined
  try {
    const bytes = await readFile(file)
    if (bytes.includes('-----BEGIN ')) return bytes
    problems.push({ path, message: `${file} is not PEM; convert it with openssl` })
  } catch (error) {
    problems.push({ path, message: `cannot read the file: ${(error as Error).message}` })
  }
  return undefined
}

function attempt(
  options: Parameters<typeof createSecureContext>[0],
  path: string,
  file: string,
  hint: string,
  problems: Problem[],
): void {
  try {
    createSecureContext(options)
  } catch (error) {
    problems.push({ path, message: `${file} cannot be used: ${(error as Error).message}${hint}` })
  }
}
