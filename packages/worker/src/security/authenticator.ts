import { createHash, createPublicKey, createSecretKey, type KeyObject, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { ConfigError } from '@pulsar-io/sdk'
import { errors, jwtVerify } from 'jose'
import type { AuthOptions } from '../options.ts'
import { ReplyError } from '../reply-error.ts'

const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512']
const PUBLIC_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
/** What HS256 asks for (RFC 7518). */
const MIN_SECRET_BYTES = 32
const SCRYPT = /^scrypt:([^:]+):([^:]+)$/
/** Beside the main thread, which has other requests to answer. */
const derive = promisify<string, Buffer, number, Buffer>(scrypt)

/** Tells who sends a request. */
export class Authenticator {
  readonly #keys: readonly { readonly key: KeyObject; readonly algorithms: string[] }[]
  readonly #audience: string | undefined
  readonly #basic: ReadonlyMap<string, string> | undefined
  /** `WWW-Authenticate`. */
  readonly challenge: string

  /** Throws a ConfigError when a key is none. */
  constructor({ token, basic }: AuthOptions) {
    this.#keys = [
      ...(token?.secretKey === undefined ? [] : [{ key: secretKey(token.secretKey), algorithms: SECRET_ALGORITHMS }]),
      ...(token?.publicKey === undefined ? [] : [{ key: publicKey(token.publicKey), algorithms: PUBLIC_ALGORITHMS }]),
    ]
    this.#audience = token?.audience
    this.#basic = basic
    this.challenge = [...(this.#keys.length > 0 ? ['Bearer'] : []), ...(basic ? ['Basic realm="worker"'] : [])].join(
      ', ',
    )
  }

  /** The role behind an `Authorization` header. Throws a ReplyError (401) when there is none. */
  async roleOf(authorization: string | undefined): Promise<string> {
    if (authorization === undefined || authorization === '') {
      throw new ReplyError(401, 'Authentication required: send the header Authorization')
    }
    const [scheme = '', credentials = ''] = authorization.split(/ +/, 2)
    if (/^bearer$/i.test(scheme)) return this.#bearer(credentials)
    if (/^basic$/i.test(scheme) && this.#basic !== undefined) return this.#user(this.#basic, credentials)
    throw new ReplyError(401, `Authentication required: ${this.challenge} is understood`)
  }

  async #bearer(token: string): Promise<string> {
    let why = 'tokens are not understood'
    for (const { key, algorithms } of this.#keys) {
      try {
        const audience = this.#audience === undefined ? {} : { audience: this.#audience }
        const { payload } = await jwtVerify(token, key, { algorithms, ...audience })
        if (typeof payload.sub === 'string' && payload.sub !== '') return payload.sub
        why = 'the token has no subject'
      } catch (error) {
        // Which of the parts did not fit helps the owner of the token, and nobody else.
        why = error instanceof errors.JWTExpired ? 'the token has expired' : 'the token is not valid here'
      }
    }
    throw new ReplyError(401, `Authentication failed: ${why}`)
  }

  async #user(users: ReadonlyMap<string, string>, credentials: string): Promise<string> {
    const [user = '', ...rest] = Buffer.from(credentials, 'base64').toString().split(':')
    const stored = users.get(user)
    // A user who is not there takes as long as one who is: by the clock nobody finds out who there is.
    const decoy = () => [...users.values()].find(each => SCRYPT.test(each)) ?? ''
    const right = await passwordFits(rest.join(':'), stored ?? decoy())
    if (stored === undefined || !right) throw new ReplyError(401, 'Authentication failed: wrong user or password')
    return user
  }
}

async function passwordFits(given: string, stored: string): Promise<boolean> {
  const [, salt, hash] = SCRYPT.exec(stored) ?? []
  if (salt !== undefined && hash !== undefined) {
    const wanted = Buffer.from(hash, 'base64')
    return wanted.length > 0 && timingSafeEqual(await derive(given, Buffer.from(salt, 'base64'), wanted.length), wanted)
  }
  return timingSafeEqual(digest(given), digest(stored))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function secretKey(bytes: Uint8Array): KeyObject {
  if (bytes.byteLength < MIN_SECRET_BYTES) {
    throw bad(`the secret key of tokens has ${bytes.byteLength} bytes; it needs ${MIN_SECRET_BYTES} at least`)
  }
  return createSecretKey(bytes)
}

function publicKey(bytes: Uint8Array): KeyObject {
  const buffer = Buffer.from(bytes)
  try {
    return buffer.includes('-----BEGIN')
      ? createPublicKey(buffer)
      : createPublicKey({ key: buffer, format: 'der', type: 'spki' })
  } catch (error) {
    throw bad('the public key of tokens is neither PEM nor DER (X.509 SubjectPublicKeyInfo)', error)
  }
}

function bad(message: string, cause?: unknown): ConfigError {
  return new ConfigError([{ path: 'auth.token', message }], { code: 'PIO_WORKER_AUTH', cause })
}
