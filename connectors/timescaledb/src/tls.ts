import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { ConfigError, type Problem } from '@pulsar-io/sdk'
import type { Config } from './options.ts'

/** How far TLS is asked for, in the words of libpq. */
export type TlsMode = Config['ssl']['mode']

/** Settings of a TLS connection, in Node's words. */
export interface TlsSettings {
  readonly rejectUnauthorized: boolean
  readonly checkServerIdentity?: () => undefined
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
}

/** What the configuration says of TLS, or a URL with libpq's or JDBC's parameters, which count for more. */
export interface TlsWish {
  readonly mode: TlsMode
  readonly ca: string
  readonly cert: string
  readonly key: string
  readonly keyPassword: string
}

/** Reads the files. Throws a ConfigError that lists every file that is of no use. */
export async function tlsSettings({ mode, ca, cert, key, keyPassword }: TlsWish): Promise<TlsSettings | undefined> {
  if (mode === 'disable') return undefined
  const problems: Problem[] = []
  const read = async (option: string, path: string): Promise<string | undefined> => {
    if (path === '') return undefined
    try {
      const pem = await readFile(path, 'utf8')
      if (pem.includes('-----BEGIN ')) return pem
      problems.push({ path: option, message: `${path} is not PEM; convert it with openssl` })
    } catch (error) {
      problems.push({ path: option, message: `cannot read the file: ${(error as Error).message}` })
    }
    return undefined
  }
  const [authorities, certificate, privateKey] = [
    await read('ssl.ca', ca),
    await read('ssl.cert', cert),
    await read('ssl.key', key),
  ]
  const settings: TlsSettings = {
    // As libpq: with authorities at hand, `require` checks against them.
    rejectUnauthorized: mode.startsWith('verify') || (mode === 'require' && authorities !== undefined),
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(privateKey === undefined ? {} : { key: privateKey }),
    ...(keyPassword === '' ? {} : { passphrase: keyPassword }),
  }
  if (problems.length === 0) {
    // Tried before they are needed, since a handshake says little about what is wrong with a file.
    try {
      createSecureContext(settings)
    } catch (error) {
      const path = certificate === undefined ? 'ssl.ca' : 'ssl.cert'
      problems.push({
        path,
        message: `the files cannot be used together: ${(error as Error).message}; is ssl.key the key of ssl.cert, and ssl.keyPassword right?`,
      })
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return settings
}
