import type { Authentication } from './authentication.ts'

/** User and password, as the broker's basic provider checks them. */
export function basicAuthentication(userId: string, password: string): Authentication {
  const pair = Buffer.from(`${userId}:${password}`)
  return {
    method: 'basic',
    credentials: async () => pair,
    headers: async () => ({
      authorization: `Basic ${pair.toString('base64')}`,
      'x-pulsar-auth-method-name': 'basic',
    }),
    describe: async () => `the user ${JSON.stringify(userId)}`,
  }
}
