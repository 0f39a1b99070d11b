import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A self-signed certificate for 127.0.0.1, which is its own authority. */
export interface Certificate {
  readonly folder: string
  readonly certFile: string
  readonly keyFile: string
  readonly cert: Buffer
  readonly key: Buffer
}

export function makeCertificate(name: string): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'netty-tls-'))
  const certFile = join(folder, `${name}.pem`)
  const keyFile = join(folder, `${name}.key`)
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', keyFile, '-out', certFile],
    ],
    { stdio: 'pipe' },
  )
  return { folder, certFile, keyFile, cert: readFileSync(certFile), key: readFileSync(keyFile) }
}
