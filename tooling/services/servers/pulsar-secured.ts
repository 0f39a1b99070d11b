import { createHmac } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Launch, LaunchContext } from '../types.ts'
import { launchStandalone } from './pulsar-home.ts'

/** Signs the tokens of servers that tests start on loopback; worth nothing elsewhere. */
const KEY = Buffer.from('pulsar-io: tokens of the servers that tests start')

/** A file of the authority of the tests, or of a certificate with its key that it signed. */
export const tls = (name: 'ca' | 'server' | 'client'): string =>
  fileURLToPath(new URL(`../tls/${name}.pem`, import.meta.url))

/** The user of the basic provider; it has no permission by itself. */
export const BASIC_USER = { username: 'basic', password: 'basic-password' }
/** The same as Apache's `htpasswd` keeps it (APR1). */
const BASIC_FILE = 'basic:$apr1$pulsario$KFUeIf5H0T4JnpfwoawWj0\n'

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token (RFC 7519, HS256) that a secured Pulsar started by tests takes, for any role. */
export function pulsarToken(role: string, options: { readonly expiresAt?: Date } = {}): string {
  const { expiresAt } = options
  const signed = `${part({ alg: 'HS256' })}.${part({
    sub: role,
    ...(expiresAt === undefined ? {} : { exp: Math.floor(expiresAt.getTime() / 1000) }),
  })}`
  return `${signed}.${createHmac('sha256', KEY).update(signed).digest('base64url')}`
}

/**
 * Asks everybody for a token, a certificate or a password. With TLS on the first two ports; those without it are for the
 * broker itself. The certificate `client` and the user `basic` are roles without any permission.
 */
export async function launchSecured(context: LaunchContext): Promise<Launch> {
  const { folder, ports, credentials } = context
  await mkdir(folder, { recursive: true })
  const passwords = join(folder, 'htpasswd')
  await writeFile(passwords, BASIC_FILE, { mode: 0o600 })
  // Java wants a file of certificates to hold nothing else.
  const [key = '', certificate = ''] = (await readFile(tls('server'), 'utf8')).split(/(?=-----BEGIN CERTIFICATE)/)
  const [keyFile, certificateFile] = [join(folder, 'server.key'), join(folder, 'server.crt')]
  await writeFile(keyFile, key, { mode: 0o600 })
  await writeFile(certificateFile, certificate)
  const providers = ['Token', 'Tls', 'Basic'].map(
    name => `org.apache.pulsar.broker.authentication.AuthenticationProvider${name}`,
  )
  const [brokerTls, webTls, ...plain] = ports
  return launchStandalone(
    { ...context, ports: plain },
    {
      settings: {
        brokerServicePortTls: String(brokerTls),
        webServicePortTls: String(webTls),
        tlsCertificateFilePath: certificateFile,
        tlsKeyFilePath: keyFile,
        tlsTrustCertsFilePath: tls('ca'),
        authenticationEnabled: 'true',
        authenticationProviders: providers.join(','),
        tokenSecretKey: `data:;base64,${KEY.toString('base64')}`,
        basicAuthConf: `file://${passwords}`,
        // How often connections are asked for a token in place of one that expired.
        authenticationRefreshCheckSeconds: '1',
        authorizationEnabled: 'true',
        superUserRoles: credentials?.username ?? '',
        brokerClientAuthenticationPlugin: 'org.apache.pulsar.client.impl.auth.AuthenticationToken',
        brokerClientAuthenticationParameters: `token:${credentials?.password}`,
      },
    },
  )
}
