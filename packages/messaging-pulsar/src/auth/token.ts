import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { AuthError } from '@pulsar-io/sdk/core'
import type { Authentication } from './authentication.ts'

/** Gives the token whenever one is needed; called for each connection, and again when the broker says it expired. */
export type TokenSupplier = () => string | Promise<string>

/** A token that is fixed, or given by a supplier. */
export function tokenAuthentication(token: string | TokenSupplier): Authentication {
  const get = async (): Promise<string> => checked(typeof token === 'string' ? token : await token())
  return {
    method: 'token',
    credentials: async () => Buffer.from(await get()),
    headers: async () => ({ authorization: `Bearer ${await get()}` }),
    describe: async () => describeToken(await get()),
  }
}

/** A token in a file, read anew each time: whoever rotates it only replaces the file. `file:///path` or a path. */
export function tokenFileAuthentication(file: string): Authentication {
  return tokenAuthentication(async () => {
    try {
      return await readFile(filePath(file), 'utf8')
    } catch (error) {
      throw new AuthError(`the token cannot be read: ${(error as Error).message}`, {
        code: 'PIO_PULSAR_TOKEN',
        cause: error,
      })
    }
  })
}

/** The path of `file:///a/b`, `file:/a/b`, `file:a/b` or of a path as it is. */
export function filePath(text: string): string {
  if (!text.startsWith('file:')) return text
  return text.startsWith('file:/') ? fileURLToPath(text.replace(/^file:\/+/, 'file:///')) : text.slice('file:'.length)
}

/** Files end with a line break more often than not. */
function checked(text: string): string {
  const token = text.trim()
  if (token === '') throw new AuthError('the token is empty', { code: 'PIO_PULSAR_TOKEN' })
  // What cannot stand in a header would fail later, with the token in the message.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new AuthError('the token holds a blank, a line break or another character that no token has', {
      code: 'PIO_PULSAR_TOKEN',
    })
  }
  return token
}

/** Subject and expiry of a JSON Web Token (RFC 7519), for people; `undefined` where it cannot be told. */
export function describeToken(token: string, now: number = Date.now()): string | undefined {
  const [, body, signature] = token.split('.')
  if (body === undefined || signature === undefined) return undefined
  let claims: unknown
  try {
    claims = JSON.parse(Buffer.from(body, 'base64url').toString())
  } catch {
    return undefined // an opaque token of somebody's own making
  }
  if (typeof claims !== 'object' || claims === null) return undefined
  const { sub, exp } = claims as { readonly sub?: unknown; readonly exp?: unknown }
  const who = typeof sub === 'string' ? `the token of ${JSON.stringify(sub)}` : 'the token without a subject'
  if (typeof exp !== 'number') return who
  const expired = exp * 1000 <= now
  return `${who}, which ${expired ? 'expired' : 'expires'} at ${new Date(exp * 1000).toISOString()}`
}
