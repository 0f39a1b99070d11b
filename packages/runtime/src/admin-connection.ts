import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Admin, type AdminOptions, createAdmin, DEFAULT_ADMIN_URL, isAdminError } from '@pulsar-io/admin'
import type { Problem } from '@pulsar-io/sdk'
import { readFailure } from './config/config-file.ts'
import type { FlagValues } from './flags/flag.ts'
import { reader } from './flags/reader.ts'

const URL_VARIABLE = 'PULSAR_IO_ADMIN_URL'

/** Makes the client; `signal` ends all of its calls. */
export type Connect = (signal?: AbortSignal) => Admin

/** How to reach the worker that the flags name; what is wrong with flags and files goes to `problems`. */
export async function connection(values: FlagValues, problems: Problem[]): Promise<Connect> {
  const options = await adminOptions(values, problems)
  const connect: Connect = signal => createAdmin({ ...options, signal })
  if (problems.length > 0) return connect
  try {
    connect()
  } catch (error) {
    if (!isAdminError(error)) throw error
    const path = typeof values.adminUrl === 'string' ? '--admin-url' : URL_VARIABLE
    problems.push({ path, message: error.message })
  }
  return connect
}

async function adminOptions(values: FlagValues, problems: Problem[]): Promise<AdminOptions> {
  const url = String(values.adminUrl ?? process.env[URL_VARIABLE] ?? DEFAULT_ADMIN_URL)
  const login = await loginOf(values, problems)
  const tls = { ...(await tlsOf(values, problems)), ...login.tls }
  const usesTls = Object.keys(tls).length > 0
  if (usesTls && /^http:/i.test(url)) {
    problems.push({ path: '--admin-url', message: `${url} does not use TLS, but a flag is about it; write https://` })
  }
  return {
    url,
    ...(login.token === undefined ? {} : { token: login.token }),
    ...(login.basic === undefined ? {} : { basic: login.basic }),
    ...(usesTls ? { tls } : {}),
    timeoutMs: reader(values, problems).duration('--request-timeout'),
  }
}

type Login = Pick<AdminOptions, 'token' | 'basic' | 'tls'>

const CLASSES = 'org.apache.pulsar.client.impl.auth.Authentication'

/** `--client-auth-plugin` and its parameters, in the forms that Pulsar's tools take. */
async function loginOf(values: FlagValues, problems: Problem[]): Promise<Login> {
  const given = typeof values.clientAuthPlugin === 'string' ? values.clientAuthPlugin.trim() : undefined
  const params = fromEnvironment(values, problems)
  if (given === undefined) {
    if (params !== undefined) {
      problems.push({ path: '--client-auth-params', message: 'needs --client-auth-plugin, for example token' })
    }
    return {}
  }
  const plugin = (given.startsWith(CLASSES) ? given.slice(CLASSES.length) : given).toLowerCase()
  switch (plugin) {
    case '':
    case 'disabled':
      return {}
    case 'token':
      return { token: await tokenOf(params ?? '', problems) }
    case 'basic': {
      const { userId = '', password = '' } = fieldsOf(params ?? '', ['userId', 'password'], problems)
      return { basic: { user: userId, password } }
    }
    case 'tls': {
      const { tlsCertFile = '', tlsKeyFile = '' } = fieldsOf(params ?? '', ['tlsCertFile', 'tlsKeyFile'], problems)
      const read = (path: string) => (path === '' ? '' : pem(path, '--client-auth-params', problems))
      return { tls: { cert: await read(tlsCertFile), key: await read(tlsKeyFile) } }
    }
    default:
      problems.push({
        path: '--client-auth-plugin',
        message: `${JSON.stringify(given)} is not supported for the admin interface; there are token, basic, tls (or Pulsar's class names)`,
      })
      return {}
  }
}

/** `token:${env:TOKEN}` keeps a secret out of the list of processes. */
function fromEnvironment(values: FlagValues, problems: Problem[]): string | undefined {
  const { clientAuthParams: params } = values
  if (typeof params !== 'string') return undefined
  return params.trim().replace(/\$\{env:([^}]+)\}/g, (_, name: string) => {
    const value = process.env[name]
    if (value === undefined) {
      problems.push({ path: '--client-auth-params', message: `the environment variable ${name} is not set` })
    }
    return value ?? ''
  })
}

/** `token:…`, `file:…`, JSON with the field `token`, or the token itself. */
async function tokenOf(params: string, problems: Problem[]): Promise<string> {
  if (params.startsWith('{')) return fieldsOf(params, ['token'], problems).token ?? ''
  if (params.startsWith('file:')) return (await pem(params, '--client-auth-params', problems)).trim()
  const token = params.replace(/^token:/, '')
  if (token === '' && problems.length === 0) {
    problems.push({
      path: '--client-auth-params',
      message: 'there is no token; write token:${env:TOKEN} or file:///PATH',
    })
  }
  return token
}

/** JSON, or `key:value,key:value`. Messages name keys, never values: any part of the text may be a secret. */
function fieldsOf(
  text: string,
  required: readonly string[],
  problems: Problem[],
): { readonly [name: string]: string | undefined } {
  const path = '--client-auth-params'
  let fields: { readonly [name: string]: unknown } = {}
  if (text.startsWith('{')) {
    try {
      fields = JSON.parse(text) as typeof fields
    } catch {
      // The error of the parser repeats a part of the text.
      problems.push({ path, message: 'begins with { but is not JSON' })
      return {}
    }
  } else {
    fields = Object.fromEntries(
      text.split(',').map(pair => {
        const [key = '', ...value] = pair.split(':')
        return [key.trim(), value.join(':').trim()]
      }),
    )
  }
  for (const name of required) {
    if (fields[name] === undefined || fields[name] === '') problems.push({ path, message: `needs ${name}` })
  }
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, String(value)]))
}

async function tlsOf(values: FlagValues, problems: Problem[]): Promise<NonNullable<AdminOptions['tls']>> {
  const { tlsTrustCertPath: trusted } = values
  const allowInsecure = switchValue(values, 'tlsAllowInsecure', '--tls-allow-insecure', problems)
  const verifyHostname = switchValue(values, 'hostnameVerificationEnabled', '--hostname-verification-enabled', problems)
  return {
    ...(typeof trusted === 'string' ? { ca: await pem(trusted, '--tls-trust-cert-path', problems) } : {}),
    // What is not to be checked needs no settings of its own.
    ...(allowInsecure === true ? { allowInsecure } : {}),
    ...(verifyHostname === false ? { verifyHostname } : {}),
  }
}

async function pem(path: string, flag: string, problems: Problem[]): Promise<string> {
  try {
    const file = path.startsWith('file:/') ? fileURLToPath(path.replace(/^file:\/+/, 'file:///')) : path
    return await readFile(file.replace(/^file:/, ''), 'utf8')
  } catch (error) {
    problems.push({ path: flag, message: `cannot read ${path}: ${readFailure(error)}` })
    return ''
  }
}

/** The value of a switch, `undefined` where it is not given or wrong. */
export function switchValue(values: FlagValues, key: string, flag: string, problems: Problem[]): boolean | undefined {
  const value = values[key]
  if (value === undefined || typeof value === 'boolean') return value
  if (typeof value === 'string' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true'
  problems.push({ path: flag, message: `must be true or false, got ${JSON.stringify(value)}` })
  return undefined
}
