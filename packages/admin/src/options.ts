import { AdminError } from './errors.ts'

/** A token, or what gives one; asked before each request, so a token that is renewed needs nothing else. */
export type TokenSource = string | (() => string | Promise<string>)

/** How to speak TLS. Certificates and keys are PEM texts. */
export interface AdminTls {
  /** The authorities to trust instead of those of Node.js. */
  readonly ca?: string | undefined
  /** The client's own certificate. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** Take any certificate. Only for a first try: anybody may pretend to be the server. */
  readonly allowInsecure?: boolean | undefined
  /** The certificate has to name the host; default true. */
  readonly verifyHostname?: boolean | undefined
}

/** Where the server is, and who asks. */
export interface AdminOptions {
  /** Default `http://127.0.0.1:6750`. */
  readonly url?: string | undefined
  /** JSON Web Token, or another that the server takes as `Authorization: Bearer`. */
  readonly token?: TokenSource | undefined
  readonly basic?: { readonly user: string; readonly password: string } | undefined
  readonly tls?: AdminTls | undefined
  /** Ends every call of this client. */
  readonly signal?: AbortSignal | undefined
  /**
   * Milliseconds of one call, with its retries; default 60000. An upload has one second more for each MiB.
   */
  readonly timeoutMs?: number | undefined
  /** Takes the place of the global `fetch`, to go through a proxy of one's own. `tls` is its business then. */
  readonly fetch?: typeof fetch | undefined
}

/** Where a server listens that nobody has moved. */
export const DEFAULT_ADMIN_URL = 'http://127.0.0.1:6750'

/**
 * Reads the address of a server; a path in it is kept, for a proxy that serves the interface below one.
 *
 * @throws AdminError `PIO_ADMIN_OPTIONS`.
 */
export function parseAdminUrl(text: string): URL {
  const fix = 'give the address of a worker, for example http://127.0.0.1:6750'
  if (!URL.canParse(text)) throw new AdminError('PIO_ADMIN_OPTIONS', `${JSON.stringify(text)} is not a URL; ${fix}`)
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new AdminError('PIO_ADMIN_OPTIONS', `${url.protocol}// is not spoken by the admin interface; ${fix}`)
  }
  if (url.username !== '' || url.password !== '') {
    // Not repeated: it is a secret.
    throw new AdminError('PIO_ADMIN_OPTIONS', `the URL of ${url.host} holds a user or password; give them as basic`)
  }
  return url
}

/** The headers that say who asks. Throws an AdminError where the token cannot be had. */
export async function authorization({ token, basic }: AdminOptions): Promise<{ readonly [name: string]: string }> {
  if (token !== undefined) {
    const text = (typeof token === 'string' ? token : await token()).trim()
    // What cannot stand in a header would fail later, with the token in the message.
    if (!/^[\x21-\x7e]+$/.test(text)) {
      throw new AdminError(
        'PIO_ADMIN_OPTIONS',
        text === ''
          ? 'the token is empty'
          : 'the token holds a blank, a line break or another character that no token has',
      )
    }
    return { authorization: `Bearer ${text}` }
  }
  if (basic === undefined) return {}
  const pair = Buffer.from(`${basic.user}:${basic.password}`).toString('base64')
  // Pulsar tries its providers one by one where nothing names the one that is meant.
  return { authorization: `Basic ${pair}`, 'x-pulsar-auth-method-name': 'basic' }
}
