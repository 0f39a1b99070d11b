import type { Authentication } from '@pulsar-io/messaging-pulsar'
import { ConfigError, type Logger } from '@pulsar-io/sdk'
import type { Addon, AddonClientConfig } from './addon.ts'
import type { NativeOptions } from './options.ts'

const WARN = 2

/** The addon's configuration. Asks for the credentials once, so that a wrong file or password shows now. */
export async function clientConfig(addon: Addon, options: NativeOptions): Promise<AddonClientConfig> {
  const { serviceUrl, tls, logger, listenerName, authentication } = options
  const login = authentication === undefined ? undefined : await credentials(addon, authentication, logger)
  return {
    serviceUrl,
    operationTimeoutSeconds: Math.max(1, Math.ceil((options.operationTimeoutMs ?? 30_000) / 1000)),
    connectionTimeoutMs: options.connectTimeoutMs ?? 10_000,
    tlsAllowInsecureConnection: tls?.allowInsecure ?? false,
    tlsValidateHostname: tls?.verifyHostname ?? true,
    logLevel: WARN,
    ...(tls?.trustCerts === undefined ? {} : { tlsTrustCertsFilePath: pemFile('tls.trustCerts', tls.trustCerts) }),
    ...(listenerName === undefined ? {} : { listenerName }),
    ...(login === undefined ? {} : { authentication: login }),
    // The reason of a refusal stands in these lines, the errors of the addon only name its kind.
    ...(logger === undefined
      ? {}
      : { log: (_level, _file, _line, message) => logger.warn(`pulsar-client: ${message}`) }),
  }
}

async function credentials(
  addon: Addon,
  authentication: Authentication,
  logger: Logger | undefined,
): Promise<object | undefined> {
  switch (authentication.method) {
    case 'none':
      return undefined
    case 'token': {
      const get = async () => Buffer.from(await authentication.credentials()).toString()
      await get()
      const token = () =>
        get().catch((error: unknown) => {
          // A rejection would leave a thread of the addon waiting for good; without a token, the broker refuses.
          logger?.warn(`the token cannot be had: ${error instanceof Error ? error.message : String(error)}`)
          return ''
        })
      return new addon.AuthenticationToken({ token })
    }
    case 'basic': {
      const pair = Buffer.from(await authentication.credentials()).toString()
      const colon = pair.indexOf(':')
      return new addon.AuthenticationBasic({ username: pair.slice(0, colon), password: pair.slice(colon + 1) })
    }
    case 'tls':
      return new addon.AuthenticationTls({
        certificatePath: pemFile('the certificate of the client', authentication.tls?.cert ?? ''),
        privateKeyPath: pemFile('the key of the client', authentication.tls?.key ?? ''),
      })
    default:
      throw refusal(`the native driver cannot log in by ${authentication.method}; use token, basic, tls or oauth2`)
  }
}

/** The addon reads files; the text of a certificate is not written into one behind anybody's back. */
function pemFile(what: string, value: string): string {
  if (value.includes('-----BEGIN '))
    throw refusal(`${what}: the native driver takes the path of a PEM file, not its text`)
  return value
}

function refusal(message: string): ConfigError {
  return new ConfigError([{ path: '', message }], { code: 'PIO_PULSAR_AUTH_CONFIG' })
}
