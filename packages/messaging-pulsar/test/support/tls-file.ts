import { fileURLToPath } from 'node:url'

/** Files of the authority of the tests, and of certificates with their keys that it signed. */
export const tlsFile = (name: 'ca' | 'server' | 'client'): string =>
  fileURLToPath(new URL(`../../../../tooling/services/tls/${name}.pem`, import.meta.url))
