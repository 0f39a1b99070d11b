import { ConfigError } from '@pulsar-io/sdk'
import type { ConsumerProperties } from './java-properties.ts'

/** Seconds before its end at which a token is no longer used. */
const SPARE_S = 30
const LIMIT_MS = 15_000

/**
 * How OAUTHBEARER gets its tokens: by client credentials from an endpoint (RFC 6749, 4.4), or, as Java does for tests,
 * one that nobody signed (`unsecuredLoginStringClaim_sub`). Throws a ConfigError where neither is described.
 */
export function tokenSource(
  jaas: { readonly [name: string]: string },
  properties: Partial<ConsumerProperties>,
): string | (() => Promise<string>) {
  const url = properties['sasl.oauthbearer.token.endpoint.url']
  const id = jaas.clientId ?? properties['sasl.oauthbearer.client.credentials.client.id']
  const secret = jaas.clientSecret ?? properties['sasl.oauthbearer.client.credentials.client.secret']
  const scope = jaas.scope ?? properties['sasl.oauthbearer.scope']
  if (url !== undefined && id !== undefined && secret !== undefined) return cached(() => askFor(url, id, secret, scope))
  const subject = jaas.unsecuredLoginStringClaim_sub
  if (subject !== undefined) return async () => unsigned(subject)
  throw new ConfigError([
    {
      path: 'token',
      message:
        'required for OAUTHBEARER; or clientId and clientSecret in saslJaasConfig together with the property sasl.oauthbearer.token.endpoint.url',
    },
  ])
}

interface Token {
  readonly text: string
  /** How long it is used, from when it was asked for. */
  readonly usableMs: number
}

/** A time by two clocks: the one may be set while this runs, the other stands still while the machine sleeps. */
interface Moment {
  readonly wall: number
  readonly steady: number
}

const moment = (): Moment => ({ wall: Date.now(), steady: performance.now() })

/** Milliseconds since then by the clock that says more: a token too early is one request, one too late no login. */
const since = ({ wall, steady }: Moment): number => Math.max(Date.now() - wall, performance.now() - steady)

function cached(ask: () => Promise<Token>): () => Promise<string> {
  let token: (Token & { readonly asked: Moment }) | undefined
  return async () => {
    if (token === undefined || since(token.asked) >= token.usableMs) {
      const asked = moment()
      token = { ...(await ask()), asked }
    }
    return token.text
  }
}

async function askFor(url: string, id: string, secret: string, scope: string | undefined): Promise<Token> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) })
  const encoded = [id, secret].map(encodeURIComponent).join(':')
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: { authorization: `Basic ${Buffer.from(encoded).toString('base64')}` },
    signal: AbortSignal.timeout(LIMIT_MS),
  })
  const answer = (await response.json().catch(() => ({}))) as {
    access_token?: unknown
    expires_in?: unknown
    error?: unknown
  }
  if (!response.ok || typeof answer.access_token !== 'string')
    throw new Error(
      `${url} gave no token for client ${id} (HTTP ${response.status}, ${String(answer.error ?? 'no access_token')})`,
    )
  const seconds = typeof answer.expires_in === 'number' ? answer.expires_in : 300
  return { text: answer.access_token, usableMs: Math.max(0, seconds - SPARE_S) * 1000 }
}

/** As org.apache.kafka.common.security.oauthbearer.internals.unsecured makes them. */
function unsigned(subject: string): string {
  const now = Math.floor(Date.now() / 1000)
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now, exp: now + 3600 })}.`
}
