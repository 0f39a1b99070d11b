import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { AuthError, type ConnectorError } from '@pulsar-io/sdk/core'

/** How TLS is spoken; every file is read anew for each connection, so that a renewed certificate needs no restart. */
export interface TlsOptions {
  /** PEM file of the authorities that are trusted, or the PEM text itself. Default: those that Node comes with. */
  readonly trustCerts?: string | undefined
  /** PEM file (or text) of this client's certificate, for mutual TLS. */
  readonly cert?: string | undefined
  /** PEM file (or text) of this client's private key. */
  readonly key?: string | undefined
  /** Takes any certificate of the server. Default false. */
  readonly allowInsecure?: boolean | undefined
  /** Whether the certificate has to name the host. Default true, other than in Pulsar's Java client. */
  readonly verifyHostname?: boolean | undefined
}

/**
 * What Node needs to speak TLS with a host.
 * @throws AuthError (`PIO_PULSAR_TLS`) when a file cannot be read.
 */
export async function connectionOptions(options: TlsOptions, host: string): Promise<ConnectionOptions> {
  const [ca, cert, key] = await Promise.all([
    pem('the trusted certificates', options.trustCerts),
    pem('the certificate of the client', options.cert),
    pem('the private key of the client', options.key),
  ])
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    // An address is no name to ask for (RFC 6066, 3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(options.allowInsecure === true ? { rejectUnauthorized: false } : {}),
    ...(options.verifyHostname === false ? { checkServerIdentity: () => undefined } : {}),
  }
}

async function pem(what: string, value: string | undefined): Promise<string | undefined> {
  if (value === undefined || value === '') return undefined
  if (value.includes('-----BEGIN ')) return value
  let text: string
  try {
    text = await readFile(value, 'utf8')
  } catch (error) {
    throw tlsError(`${what} cannot be read: ${(error as Error).message}`, error)
  }
  if (!text.includes('-----BEGIN ')) throw tlsError(`${what}: ${value} is not in PEM format (no "-----BEGIN")`)
  return text
}

const tlsError = (message: string, cause?: unknown): ConnectorError =>
  new AuthError(message, { code: 'PIO_PULSAR_TLS', cause })

const UNKNOWN_AUTHORITY = 'its certificate is not from a trusted authority; give the file of its authority (trustCerts)'

/** What Node's codes of a failed handshake mean for whoever runs the client. */
const MEANINGS: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  CERT_SIGNATURE_FAILURE: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: 'its certificate has expired; renew it, or correct the clock of this machine',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; correct the clock of this machine',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate names other hosts; connect by one of them, or switch verifyHostname off',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS on this port; use its TLS port, or a URL without TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS on this port; use its TLS port, or a URL without TLS',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it asks for a certificate of the client; give cert and key',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'it refuses the certificate of the client',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'it refuses the certificate of the client',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not trust the authority of the client certificate',
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: 'certificate and private key of the client do not belong together',
}

/** The named error of a handshake that failed; `undefined` for an error that TLS has no part in. `block`. */
export function tlsFailure(address: string, error: unknown): ConnectorError | undefined {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === undefined) return undefined
  const meaning = MEANINGS[code] ?? (/^(ERR_SSL|ERR_TLS|ERR_OSSL|CERT_)/.test(code) ? message : undefined)
  if (meaning === undefined) return undefined
  return tlsError(`cannot connect to ${address} with TLS: ${meaning} (${code})`, error)
}
