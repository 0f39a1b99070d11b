import { readFile } from 'node:fs/promises'
import { createSecureContext, type TlsOptions } from 'node:tls'
import { ConfigError, type Problem } from '@pulsar-io/sdk'
import type { Config } from './options.ts'

/** Milliseconds that a handshake may take. */
const HANDSHAKE_MS = 10_000

/** Reads the files that `tls` names; undefined without TLS. Throws a ConfigError that lists every file that is of no use. */
export async function tlsOptions(tls: Config['tls']): Promise<TlsOptions | undefined> {
  if (!tls.enabled) return undefined
  const problems: Problem[] = []
  const cert = await read('tls.certFile', tls.certFile, problems)
  const key = await read('tls.keyFile', tls.keyFile, problems)
  const ca = tls.requireClientCert ? await read('tls.caFile', tls.caFile, problems) : undefined
  // Tried one by one before they are needed, since a failed handshake says little about what is wrong with a file.
  if (cert) attempt({ cert }, 'tls.certFile', tls.certFile, problems)
  if (ca) attempt({ ca }, 'tls.caFile', tls.caFile, problems)
  if (cert && key && problems.length === 0) attempt({ cert, key }, 'tls.keyFile', tls.keyFile, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    cert,
    key,
    handshakeTimeout: HANDSHAKE_MS,
    ...(ca ? { ca, requestCert: true, rejectUnauthorized: true } : {}),
  }
}

async function read(path: string, file: string, problems: Problem[]): Promise<Buffer | undefined> {
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
  problems: Problem[],
): void {
  try {
    createSecureContext(options)
  } catch (error) {
    const hint = path === 'tls.keyFile' ? '; does it belong to tls.certFile, and has it no password?' : ''
    problems.push({ path, message: `${file} cannot be used: ${(error as Error).message}${hint}` })
  }
}
