import { ConfigError, type Problem } from '@pulsar-io/sdk/core'
import { type Authentication, anonymous } from './authentication.ts'
import { basicAuthentication } from './basic.ts'
import { tlsAuthentication } from './mutual-tls.ts'
import { oauth2Authentication } from './oauth2.ts'
import { tokenAuthentication, tokenFileAuthentication } from './token.ts'

type Params = Readonly<Record<string, string>>

/** A plugin that there is: what it is called, and how it is made of its parameters. */
interface Plugin {
  readonly className: string
  make(text: string): Authentication
}

const PACKAGE = 'org.apache.pulsar.client.impl.auth'

/** Pulsar's plugins by their short names. */
const PLUGINS: Readonly<Record<string, Plugin>> = {
  token: { className: `${PACKAGE}.AuthenticationToken`, make: makeToken },
  basic: {
    className: `${PACKAGE}.AuthenticationBasic`,
    make: text => {
      const params = parse(text, ['userId', 'password'])
      return basicAuthentication(params.userId ?? '', params.password ?? '')
    },
  },
  tls: {
    className: `${PACKAGE}.AuthenticationTls`,
    make: text => {
      const params = parse(text, ['tlsCertFile', 'tlsKeyFile'])
      return tlsAuthentication(params.tlsCertFile ?? '', params.tlsKeyFile ?? '')
    },
  },
  oauth2: {
    className: `${PACKAGE}.oauth2.AuthenticationOAuth2`,
    make: text => {
      const params = parse(text, ['issuerUrl', 'privateKey'])
      if (params.type !== undefined && params.type !== 'client_credentials') {
        throw wrong([{ path: 'clientAuthParams.type', message: 'only client_credentials is supported' }])
      }
      return oauth2Authentication({
        issuerUrl: params.issuerUrl ?? '',
        privateKey: params.privateKey ?? '',
        audience: params.audience,
        scope: params.scope,
        trustCerts: params.trustCertsFilePath,
      })
    },
  },
}

/**
 * The authentication that Pulsar's own tools would make of `--client-auth-plugin` (a class of Java, or `token`, `basic`,
 * `tls`, `oauth2`) and `--client-auth-params` (`token:…`, `file:///…`, JSON, or `key:value,key:value`).
 * @throws ConfigError (`PIO_PULSAR_AUTH_CONFIG`) for another plugin and for parameters that are missing or no such text.
 */
export function authenticationFromPlugin(plugin: string, params: string): Authentication {
  const name = plugin.trim()
  if (name === '' || /(^|\.)AuthenticationDisabled$/.test(name)) return anonymous
  const found = Object.entries(PLUGINS).find(
    ([short, { className }]) =>
      name.toLowerCase() === short || name === className || name === className.slice(className.lastIndexOf('.') + 1),
  )
  if (found === undefined) {
    const there = Object.entries(PLUGINS).map(([short, { className }]) => `${short} (${className})`)
    throw wrong([
      { path: 'clientAuthPlugin', message: `${JSON.stringify(name)} is not supported; there are ${there.join(', ')}` },
    ])
  }
  return found[1].make(params.trim())
}

/** `token:…`, `file:…`, JSON with the field `token`, or the token itself. */
function makeToken(text: string): Authentication {
  if (text.startsWith('file:')) return tokenFileAuthentication(text)
  if (text.startsWith('token:')) return tokenAuthentication(nonEmpty(text.slice('token:'.length)))
  if (text.startsWith('{')) return tokenAuthentication(parse(text, ['token']).token ?? '')
  return tokenAuthentication(nonEmpty(text))
}

function nonEmpty(token: string): string {
  if (token.trim() === '') {
    throw wrong([{ path: 'clientAuthParams', message: 'there is no token; write token:TOKEN or file:///PATH' }])
  }
  return token
}

/** Messages name keys, never values, and not the text: any part of it may be a secret. */
function parse(text: string, required: readonly string[]): Params {
  const params = text.startsWith('{') ? parseJson(text) : parsePairs(text)
  const missing = required.filter(key => !params[key])
  if (missing.length > 0) {
    throw wrong(missing.map(key => ({ path: `clientAuthParams.${key}`, message: 'required, and not there' })))
  }
  return params
}

function parseJson(text: string): Params {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The error of the parser repeats a part of the text.
    throw wrong([{ path: 'clientAuthParams', message: 'begins with { but is not JSON' }])
  }
  return Object.fromEntries(Object.entries({ ...(value as object) }).map(([key, field]) => [key, String(field)]))
}

function parsePairs(text: string): Params {
  const pairs = text === '' ? [] : text.split(',')
  return Object.fromEntries(
    pairs.map((pair, at) => {
      const colon = pair.indexOf(':')
      if (colon < 1) {
        throw wrong([{ path: 'clientAuthParams', message: `part ${at + 1} is not KEY:VALUE; JSON works, too` }])
      }
      return [pair.slice(0, colon).trim(), pair.slice(colon + 1).trim()]
    }),
  )
}

function wrong(problems: readonly Problem[]): ConfigError {
  return new ConfigError(problems, { code: 'PIO_PULSAR_AUTH_CONFIG' })
}
