import { readFile } from 'node:fs/promises'
import { AuthError, ConfigError, ConnectionError, isConnectorError } from '@pulsar-io/sdk/core'
import { connectionOptions, tlsFailure } from '../connection/tls-options.ts'
import { type HttpAnswer, httpRequest } from '../http/request.ts'
import type { Authentication } from './authentication.ts'
import { describeToken, filePath } from './token.ts'

/** Client credentials of OAuth 2.0 (RFC 6749, 4.4), as Pulsar's AuthenticationOAuth2 takes them. */
export interface OAuth2Options {
  /** Issuer; its token endpoint is found by its metadata (`/.well-known/openid-configuration`). */
  readonly issuerUrl: string
  /** Key file with client id and secret: `file:///path`, a path, or `data:application/json;base64,…`. */
  readonly privateKey: string
  readonly audience?: string | undefined
  readonly scope?: string | undefined
  /** PEM file of the authorities that are trusted for the issuer. */
  readonly trustCerts?: string | undefined
}

interface Key {
  readonly clientId: string
  readonly clientSecret: string
}

interface Token {
  readonly text: string
  /** Milliseconds from when it was asked for, after which another one is. */
  readonly keptMs: number
  /** When it was asked for by the clock of the wall, which may be set, and by one that stands still while a machine sleeps. */
  readonly asked: { readonly wall: number; readonly steady: number }
}

const TIMEOUT_MS = 15_000
/** How long a token is kept of which the issuer does not say how long it is good. */
const UNKNOWN_LIFETIME_SECONDS = 60

/** A token from an issuer, kept until shortly before it expires. */
export function oauth2Authentication(options: OAuth2Options, now: () => number = Date.now): Authentication {
  if (!/^https?:$/.test(URL.canParse(options.issuerUrl) ? new URL(options.issuerUrl).protocol : '')) {
    throw new ConfigError(
      [{ path: 'clientAuthParams.issuerUrl', message: 'not the http(s) URL of an issuer of tokens' }],
      { code: 'PIO_PULSAR_AUTH_CONFIG' },
    )
  }
  let token: Token | undefined
  let asking: Promise<Token> | undefined
  const current = async (): Promise<string> => {
    if (token !== undefined && age(token, now) < token.keptMs) return token.text
    // Many connections that want it at once ask the issuer once.
    asking ??= requestToken(options, now).finally(() => {
      asking = undefined
    })
    token = await asking
    return token.text
  }
  return {
    // The broker knows it as any other token.
    method: 'token',
    credentials: async () => Buffer.from(await current()),
    headers: async () => ({ authorization: `Bearer ${await current()}` }),
    describe: async () => describeToken(await current(), now()),
  }
}

/** By the clock that says more: a token too early costs one request, one too late the connection. */
function age({ asked }: Token, now: () => number): number {
  return Math.max(now() - asked.wall, performance.now() - asked.steady)
}

async function requestToken(options: OAuth2Options, now: () => number): Promise<Token> {
  const key = await readKey(options.privateKey)
  const endpoint = await findEndpoint(options)
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: key.clientId,
    client_secret: key.clientSecret,
    ...(options.audience === undefined ? {} : { audience: options.audience }),
    ...(options.scope === undefined ? {} : { scope: options.scope }),
  })
  const asked = { wall: now(), steady: performance.now() }
  const answer = await ask(options, 'POST', endpoint, form.toString())
  const reply = json(answer)
  if (answer.status !== 200 || typeof reply.access_token !== 'string') {
    throw refusal(`${endpoint} gives no token to the client ${JSON.stringify(key.clientId)}`, answer)
  }
  const given = Number(reply.expires_in)
  const lifetimeMs = 1000 * (Number.isFinite(given) && given > 0 ? given : UNKNOWN_LIFETIME_SECONDS)
  // A tenth before its end, at most a minute: time enough for a handshake and for clocks that differ.
  return { text: reply.access_token, keptMs: lifetimeMs - Math.min(60_000, lifetimeMs / 10), asked }
}

async function findEndpoint(options: OAuth2Options): Promise<string> {
  const url = `${options.issuerUrl.replace(/\/+$/, '')}/.well-known/openid-configuration`
  const answer = await ask(options, 'GET', url)
  const { token_endpoint: endpoint } = json(answer)
  if (answer.status !== 200 || typeof endpoint !== 'string') throw refusal(`${url} names no token endpoint`, answer)
  return endpoint
}

async function ask(options: OAuth2Options, method: 'GET' | 'POST', url: string, body?: string): Promise<HttpAnswer> {
  try {
    return await httpRequest({
      method,
      url,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(body === undefined ? {} : { body }),
      tls: host => connectionOptions({ trustCerts: options.trustCerts }, host),
      timeoutMs: TIMEOUT_MS,
    })
  } catch (error) {
    if (isConnectorError(error)) throw error
    const why = error instanceof Error ? error.message || (error as NodeJS.ErrnoException).code : String(error)
    throw (
      tlsFailure(url, error) ??
      new ConnectionError(`cannot reach the issuer of tokens at ${url}: ${why}`, {
        code: 'PIO_PULSAR_OAUTH2',
        cause: error,
      })
    )
  }
}

/** The issuer's own words (RFC 6749, 5.2), never the request, which holds the secret. 5xx: it may work later. */
function refusal(what: string, answer: HttpAnswer): Error {
  const { error, error_description: description } = json(answer)
  const said = [error, description].filter(part => typeof part === 'string').join(': ')
  const text = `${what}: it answered ${answer.status}${said === '' ? '' : ` ${said}`}`
  if (answer.status >= 500) return new ConnectionError(text, { code: 'PIO_PULSAR_OAUTH2' })
  return new AuthError(`${text}; check issuerUrl, audience, scope and the key file`, { code: 'PIO_PULSAR_OAUTH2' })
}

function json({ body }: HttpAnswer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {} // a page for people; the status tells enough
  }
}

async function readKey(source: string): Promise<Key> {
  if (/^\s*\{/.test(source)) {
    throw new AuthError(
      'the key in privateKey stands there by itself; write data:application/json,KEY or file:///PATH',
      {
        code: 'PIO_PULSAR_OAUTH2',
      },
    )
  }
  const where = source.startsWith('data:') ? 'the key in privateKey (data:)' : `the key file ${source}`
  let text: string
  try {
    text = source.startsWith('data:') ? decodeDataUrl(source) : await readFile(filePath(source), 'utf8')
  } catch (error) {
    throw new AuthError(`${where} cannot be read: ${(error as Error).message}`, {
      code: 'PIO_PULSAR_OAUTH2',
      cause: error,
    })
  }
  const { client_id: clientId, client_secret: clientSecret } = json({ status: 200, body: text })
  if (typeof clientId !== 'string' || typeof clientSecret !== 'string') {
    throw new AuthError(`${where} is not JSON with client_id and client_secret`, { code: 'PIO_PULSAR_OAUTH2' })
  }
  return { clientId, clientSecret }
}

/** `data:[<media type>][;base64],<data>` (RFC 2397). */
function decodeDataUrl(url: string): string {
  const comma = url.indexOf(',')
  if (comma < 0) throw new Error('there is no comma before the data')
  const data = url.slice(comma + 1)
  return url.slice(0, comma).endsWith(';base64') ? Buffer.from(data, 'base64').toString() : decodeURIComponent(data)
}
