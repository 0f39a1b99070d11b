import type { Authentication } from './authentication.ts'

/** The certificate of the client is who it is. `cert` and `key` are PEM files or texts; needs a URL with TLS. */
export function tlsAuthentication(cert: string, key: string): Authentication {
  return { method: 'tls', credentials: async () => new Uint8Array(), tls: { cert, key } }
}
